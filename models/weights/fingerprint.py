"""A short name of a network's weights: the same for the same weights, whatever file they came from and whatever type they have."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from .head import sha256

SAMPLES = 64  # values looked at of every tensor

_known: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()
_files: dict[tuple[str, int, int], str] = {}
_lock = Lock()


def fingerprint(module: nn.Module) -> str:
    """The fingerprint of a network's weights and buffers, made once per loaded network."""
    with _lock:
        if module not in _known:
            _known[module] = of_weights(module.state_dict())
        return _known[module]


def of_weights(weights: Mapping[str, Tensor]) -> str:
    """The fingerprint of a state dict.

    SHA-256 over sorted names, shapes and up to 64 evenly spaced values of each tensor, cast to float16 on the CPU.
    """
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach()
        flat = tensor.reshape(-1)
        count = min(SAMPLES, len(flat))
        places = torch.linspace(0, max(len(flat) - 1, 0), count, dtype=torch.float64).round().long()
        values = flat[places.to(flat.device)].to("cpu", torch.float16)
        digest.update(f"{name}{tuple(tensor.shape)}".encode() + values.numpy().tobytes())
    return digest.hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file, read again when its size or time changes.

    Raises:
        MissingModelFileError, CorruptModelFileError: see `reading.sha256`.
    """
    if not path.is_file():
        return sha256(path)
    state = path.stat()
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns)
    with _lock:
        if key not in _files:
            _files[key] = sha256(path)
        return _files[key]
