"""People for tests, and encoders that say something of their pixels alone, and count how often they are asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from likeness.models.face.types import Face
from likeness.models.people.person import People, Person, PersonSettings
from likeness.models.people.photo import Photo
from torch import Tensor

SIDE = 224


def someone(name: str = "", seed: int = 0, *, photos: int = 1, **settings: object) -> Person:
    """A person with random photos that are face crops already; settings of the person and of `PersonSettings` alike."""
    generator = np.random.default_rng(seed)
    own = {key: settings.pop(key) for key in ("mask", "mixed", "is_left_out") if key in settings}
    return Person(
        name=name, photos=tuple(photo(generator) for _ in range(photos)), settings=PersonSettings(**settings), **own
    )


def photo(generator: np.random.Generator, **settings: object) -> Photo:
    """A random photo whose face fills it."""
    return crop_photo(generator.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8), **settings)


def crop_photo(picture: np.ndarray, **settings: object) -> Photo:
    """A photo that is an aligned face crop already, (224, 224, 3) uint8."""
    face = Face(
        box=np.float32([40, 40, 184, 184]),
        points=np.float32([[76, 103], [148, 103], [112, 143], [83, 184], [141, 184]]),
        score=0.9,
        crop=picture,
        index=0,
        image_index=0,
        image_size=(SIDE, SIDE),
    )
    return Photo(picture=picture, faces=(face,), taken=face, **settings)


def crowd(n: int, seed: int = 0, **settings: object) -> People:
    """N random people, each with the same settings."""
    chain = People()
    for place in range(n):
        chain = chain.add(someone(seed=1000 * seed + place, **settings))
    return chain


class PixelTokens:
    """An image encoder of random tokens that depend on the pixels alone.

    Attributes:
        seen: hashes of all pictures that it was asked about, in order.
    """

    def __init__(self, width: int, key: str = "tokens of pixels") -> None:
        self.width = width
        self.key = key
        self.seen: list[str] = []

    def tokens(self, pixels: Tensor) -> Tensor:
        return torch.stack([self._one(picture) for picture in pixels])

    def _one(self, picture: Tensor) -> Tensor:
        found = hashlib.sha256(picture.numpy().tobytes()).hexdigest()
        self.seen.append(found)
        generator = torch.Generator().manual_seed(int(found[:12], 16))
        return torch.randn(257, self.width, generator=generator)


class PixelEmbeddings:
    """An image embedder of random vectors that depend on the pixels alone; `seen` as `PixelTokens`."""

    def __init__(self, width: int, key: str = "embeddings of pixels") -> None:
        self._tokens = PixelTokens(width, key)
        self.width, self.key, self.seen = width, key, self._tokens.seen

    def embeddings(self, pixels: Tensor) -> Tensor:
        return self._tokens.tokens(pixels)[:, 0]


class PixelVectors:
    """A face recogniser of random vectors that depend on the pictures alone; `seen` as `PixelTokens`."""

    def __init__(self, width: int, key: str = "vectors of pixels") -> None:
        self.width, self.key = width, key
        self.seen: list[str] = []

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        found = [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures]
        self.seen += found
        generators = [torch.Generator().manual_seed(int(each[:12], 16)) for each in found]
        return torch.stack([torch.randn(self.width, generator=each) for each in generators])


class PixelMaps:
    """A face backbone of random maps that depend on the pixels alone; `seen` as `PixelTokens`."""

    def __init__(self, channels: Sequence[int], key: str = "maps of pixels") -> None:
        self.channels = tuple(channels)
        self.key = key
        self.seen: list[str] = []

    def maps(self, pixels: Tensor) -> tuple[Tensor, ...]:
        rows = [self._one(picture) for picture in pixels]
        return tuple(torch.stack(level) for level in zip(*rows, strict=True))

    def _one(self, picture: Tensor) -> list[Tensor]:
        found = hashlib.sha256(picture.numpy().tobytes()).hexdigest()
        self.seen.append(found)
        generator = torch.Generator().manual_seed(int(found[:12], 16))
        return [
            torch.randn(channels, 56 >> level, 56 >> level, generator=generator)
            for level, channels in enumerate(self.channels)
        ]
