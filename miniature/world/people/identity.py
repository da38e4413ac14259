"""Who somebody is: seven attributes, every combination a person, a fifth of the persons held out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from ....models.errors import InvalidSettingError
from ....training.batches.draws import Draws

Split = Literal["train", "held out"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that tells people apart.

    Attributes:
        name: what a report calls it.
        values: its values by code.
    """

    name: str
    values: tuple[str, ...]


ATTRIBUTES = (
    Attribute("face", ("square", "oval", "round", "heart")),
    Attribute("skin", ("porcelain", "peach", "honey", "tan", "brown", "deep")),
    Attribute("hair colour", ("black", "dark brown", "brown", "auburn", "blond", "grey")),
    Attribute("hair", ("short", "bob", "long", "curly")),
    Attribute("eyes", ("brown", "hazel", "blue", "grey")),
    Attribute("mole", ("none", "left cheek", "right cheek", "chin", "lip")),
    Attribute("mouth", ("wide", "medium", "full")),
)
FACE, SKIN, HAIR_COLOUR, HAIR, EYES, MOLE, MOUTH = range(len(ATTRIBUTES))
NOUNS = ("man", "woman", "boy", "girl")  # by the code of the face's shape: all that a caption says of an identity
SIZES = tuple(len(attribute.values) for attribute in ATTRIBUTES)
IDENTITIES = math.prod(SIZES)
HELD_OUT_SHARE = 0.2
SPLIT_SEED = 20  # another seed is another world: scores of unseen people are no longer comparable


def codes_of(numbers: Tensor) -> Tensor:
    """Return the attributes of identities.

    Args:
        numbers: any shape, int64, 0 to `IDENTITIES` - 1.

    Returns:
        (…, 7) int64, one code per attribute.
    """
    codes: list[Tensor] = []
    for size in reversed(SIZES):
        codes.insert(0, numbers % size)
        numbers = numbers // size
    return torch.stack(codes, -1)


def numbers_of(codes: Tensor) -> Tensor:
    """Return the inverse of `codes_of`: (…, 7) int64 to (…) int64."""
    numbers = torch.zeros_like(codes[..., 0])
    for place, size in enumerate(SIZES):
        numbers = numbers * size + codes[..., place]
    return numbers


@cache
def identities(split: Split) -> Tensor:
    """Return the numbers of all identities of one part of the world, ascending, int64; not to be changed.

    Raises:
        InvalidSettingError: if there is no such part.
    """
    if split not in ("train", "held out"):
        raise InvalidSettingError(f'There is no part "{split}" of the world; choose "train" or "held out".')
    order = Draws(SPLIT_SEED, (0,)).uniform("held out", (IDENTITIES,))[0].argsort()
    held_out = round(IDENTITIES * HELD_OUT_SHARE)
    return (order[:held_out] if split == "held out" else order[held_out:]).sort().values
