"""Encoded pictures on the disk, so that a second pass over the data, or a second run, encodes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ...models.errors import CorruptModelFileError, LikenessError
from ...models.weights.safetensors_file import read_header, read_tensors
from ...models.weights.tensors import require_finite
from ..whole_file import whole_file

Tensors = dict[str, Tensor]
DIGEST = "likeness.digest"
SEALED = "sealed"  # below the folder, apart from files of versions that noted no digest


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """Small files of tensors by key; several processes may read and write it.

    Attributes:
        folder: theirs alone; made when the first is written.
        holds_nan: whether what is no number may be kept, as in what was measured.
    """

    folder: Path
    holds_nan: bool = False

    def __contains__(self, key: str) -> bool:
        return self._file(key).is_file()

    def read(self, key: str) -> Tensors:
        """What was written under a key.

        Raises:
            CorruptModelFileError: if the file has gone, or is not what was written under this key, to the last bit.
        """
        path = self._file(key)
        if path.exists() and not path.is_file():  # a pipe would wait for ever
            raise _unreadable(path, "it is no file")
        try:
            tensors, noted = read_tensors(path), read_header(path)[1]
            if not self.holds_nan:
                require_finite(tensors, path.name)
        except LikenessError as error:
            raise _unreadable(path, str(error).rstrip(".")) from error
        if noted.get(DIGEST) != _digest(key, tensors):
            raise _unreadable(path, "it is not what was written")
        return tensors

    def write(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep tensors; the file appears when it is whole."""
        with whole_file(self._file(key), durable=False) as partial:
            kept = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
            save_file(kept, partial, {DIGEST: _digest(key, kept)})

    def _file(self, key: str) -> Path:
        return self.folder / SEALED / key[:2] / f"{key}.safetensors"


def _unreadable(path: Path, reason: str) -> CorruptModelFileError:
    return CorruptModelFileError(f"{path} in the cache cannot be read ({reason}); delete it and start again.")


def _digest(key: str, tensors: Mapping[str, Tensor]) -> str:
    """What tells a file's content from every other, its key among it."""
    digest = hashlib.blake2b(key.encode(), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        digest.update(f" {name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.reshape(-1).contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def fingerprint(modules: Iterable[nn.Module]) -> str:
    """A short name for weights, so that what one network encoded is never read for another: 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for module in modules:
        for key, tensor in module.state_dict().items():
            digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


class Encodable(Protocol):
    """A picture with a name."""

    @property
    def key(self) -> str | None:
        """Name for what is said about it; None for a picture that never comes back."""
        ...

    @property
    def pixels(self) -> np.ndarray | None:
        """uint8; None where the store knows the key."""
        ...


def encode_once(
    pictures: Sequence[Encodable],
    encode: Callable[[np.ndarray], list[Tensors]],
    store: FeatureStore | None,
    device: torch.device,
) -> list[Tensors]:
    """What `encode` says about each picture, or said before; with a store, each is encoded alone."""
    if store is None:
        return encode(np.stack([cast(np.ndarray, picture.pixels) for picture in pictures]))
    return [_kept(picture, encode, store, device) for picture in pictures]


def _kept(
    picture: Encodable, encode: Callable[[np.ndarray], list[Tensors]], store: FeatureStore, device: torch.device
) -> Tensors:
    if picture.key is not None and picture.key in store:
        return {name: tensor.to(device) for name, tensor in store.read(picture.key).items()}
    [said] = encode(cast(np.ndarray, picture.pixels)[None])
    if picture.key is not None:
        store.write(picture.key, said)
    return said
