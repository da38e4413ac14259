"""FaceID Portrait joins a person's photos: how much the tokens of each count."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm

import torch
from torch import Tensor

from ..adapters.joined_photos import log_weights
from ..people.person import Person
from ..people.photo import weights_of
from .checkpoint import IPAdapter
from .kinds import Kind

JOINING = (Kind.PORTRAIT, Kind.PORTRAIT_UNNORM)  # kinds that read the tokens of all photos behind one another


def token_weights(person: Person, adapter: IPAdapter) -> Tensor | None:
    """How much each token of a person counts in FaceID Portrait, which joins photos, (T,) float32, above 0 and at most 1.

    A token counts as its photo does, the largest weight being 1. Of people who are mixed it is the mean of the tokens that are
    added up, by their factors [choice].

    Returns:
        The weights; None where all count alike, and for every other adapter.
    """
    if adapter.kind not in JOINING:
        return None
    photos = [part.joined for part, _ in person.parts]
    own = [log_weights(weights_of(each), adapter.tokens) for each in photos]
    if all(each is None for each in own):
        return None
    counts = [len(each) * adapter.tokens for each in photos]
    longest = lcm(*counts)
    whole = torch.zeros(longest)
    factors = [max(factor, 0.0) for _, factor in person.parts]
    for scores, count, factor in zip(own, counts, factors, strict=True):
        weights = torch.ones(count) if scores is None else scores.exp()
        whole += factor / sum(factors) * weights.repeat(longest // count)
    return whole


def token_scores(people: Sequence[Person], adapter: IPAdapter, length: int) -> Tensor | None:
    """What is added to the scores of everybody's tokens, (N, T); None where all count alike."""
    every = [token_weights(person, adapter) for person in people]
    if all(each is None for each in every):
        return None
    rows = [torch.ones(length) if each is None else each.repeat(length // len(each)) for each in every]
    return torch.stack(rows).log()
