"""Encoded pictures on the disk, so that a second pass over the data, or a second run, encodes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..models.errors import CorruptModelFileError
from .whole_file import whole_file


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """Small files of tensors by key; several processes may read and write it.

    Attributes:
        folder: theirs alone; made when the first is written.
    """

    folder: Path

    def __contains__(self, key: str) -> bool:
        return self._file(key).is_file()

    def read(self, key: str) -> dict[str, Tensor]:
        """What was written under a key.

        Raises:
            CorruptModelFileError: if the file is not whole or has gone.
        """
        path = self._file(key)
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise CorruptModelFileError(
                f"{path} in the cache cannot be read ({error}); delete it and start again."
            ) from error

    def write(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep tensors; the file appears when it is whole."""
        with whole_file(self._file(key)) as partial:
            save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, partial)

    def _file(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"


def fingerprint(modules: Iterable[nn.Module]) -> str:
    """A short name for weights, so that what one network encoded is never read for another: 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for module in modules:
        for key, tensor in module.state_dict().items():
            digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()
