"""What networks said about people's photos: one store for all methods, so that nothing is encoded twice.

A value is a function of the pixels given to a network and of its frozen weights alone, and its key says just that. What
depends on a prompt, a MODEL or a seed does not belong here.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

MOST_BYTES = 512 * 2**20


class EncodingKey(NamedTuple):
    """What a stored value was made of.

    Attributes:
        encoder: names the weights, see `fingerprint`.
        pixels: of exactly what the encoder was given, see `pixels_hash`.
        output: which of its outputs, with whatever else decides it.
    """

    encoder: str
    pixels: str
    output: str


class Carrier(Protocol):
    """What answers in the store's place while one person is looked at, such as an identity card."""

    def said(self, key: EncodingKey, say: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """What an encoder said, or would say.

        Args:
            key: of what is asked.
            say: asks the store, and the encoder where the store does not know.
        """
        ...


_carrier: ContextVar[Carrier | None] = ContextVar("carrier", default=None)


class Encodings:
    """A store of tensors on the CPU, least recently used out first; safe to be used by several threads.

    Args:
        most_bytes: of all values together; a value that is larger by itself is handed on and not kept.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._values: OrderedDict[Hashable, tuple[Tensor, ...]] = OrderedDict()
        self._bytes = 0
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._values)

    @property
    def bytes(self) -> int:
        """Size of all values together."""
        return self._bytes

    def remember(self, key: Hashable, encode: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """The tensors under a key, encoded at the first request.

        Another thread that asks for the same waits and then finds it. What is kept is a copy on the CPU that no graph and
        no inference mode is tied to.

        Args:
            key: an `EncodingKey`, or another value that names all that decides the result.
            encode: gives the tensors.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            with torch.inference_mode(False), torch.no_grad():
                value = tuple(tensor.detach().to("cpu", copy=True) for tensor in encode())
            self._keep(key, value)
            return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def _keep(self, key: Hashable, value: tuple[Tensor, ...]) -> None:
        size = _size(value)
        if size > self._most:
            return
        self._values[key] = value
        self._bytes += size
        while self._bytes > self._most:
            _, oldest = self._values.popitem(last=False)
            self._bytes -= _size(oldest)


@contextmanager
def carried_by(carrier: Carrier) -> Generator[None]:
    """A time in which a carrier answers for every encoder, whatever its store."""
    token = _carrier.set(carrier)
    try:
        yield
    finally:
        _carrier.reset(token)


def said(store: Encodings, key: EncodingKey, encode: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """What an encoder says: of the carrier where one answers, else of the store.

    Args:
        store: of the encoder.
        key: of what is asked.
        encode: asks the encoder.
    """
    carrier = _carrier.get()
    if carrier is None:
        return store.remember(key, encode)
    return carrier.said(key, lambda: store.remember(key, encode))


ENCODINGS = Encodings()  # of everything that is encoded while ComfyUI runs


def pixels_hash(pixels: np.ndarray | Tensor) -> str:
    """SHA-256 of a picture's values, type and shape, wherever it lies."""
    array = pixels.detach().cpu().contiguous().numpy() if isinstance(pixels, Tensor) else np.ascontiguousarray(pixels)
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(array.data)
    return digest.hexdigest()


def _size(value: tuple[Tensor, ...]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in value)
