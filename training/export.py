"""Trained weights as files: one safetensors that our nodes load at once, or the published layout."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers.training_utils import EMAModel
from safetensors.torch import save_file

from .adapter_networks import Weights
from .method import Learner
from .whole_file import whole_file

FORMAT = "likeness/1"


def export(weights: Weights, path: Path, *, details: Mapping[str, Any], dtype: torch.dtype = torch.float16) -> Path:
    """Write an adapter.

    Args:
        weights: part of the file → key → tensor, as `Learner.weights` gives them; a part without a name gives bare keys.
        path: ending in ".safetensors" for our own format (keys "part.key", metadata); any other ending gives the
            published layout, nested and written by torch.save, without metadata.
        details: what to note of the training; values are written as JSON.
        dtype: of the stored values.

    Returns:
        The path. It appears when the file is whole.
    """
    stored = {
        part: {key: tensor.detach().to("cpu", dtype).contiguous() for key, tensor in tensors.items()}
        for part, tensors in weights.items()
    }
    with whole_file(path) as partial:
        if path.suffix == ".safetensors":
            flat = {
                f"{part}.{key}" if part else key: tensor
                for part, tensors in stored.items()
                for key, tensor in tensors.items()
            }
            noted = {name: value if isinstance(value, str) else json.dumps(value) for name, value in details.items()}
            save_file(flat, partial, metadata={"format": FORMAT, **noted})
        else:
            torch.save(stored, partial)
    return path


@contextmanager
def use_average(method: Learner[Any], average: EMAModel | None) -> Generator[None, None, None]:
    """While it lasts, the trained parameters hold their running average, if there is one."""
    if average is None:
        yield
        return
    parameters = list(method.trained())
    average.store(parameters)
    average.copy_to(parameters)
    try:
        yield
    finally:
        average.restore(parameters)
