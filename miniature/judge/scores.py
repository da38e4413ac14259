"""What a verdict says for or against a picture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import torch
from torch import Tensor

from ..world.facts import SIDES, Facts
from ..world.people.identity import ATTRIBUTES, EYES, FACE, HAIR_COLOUR, SIZES, SKIN
from .judge import Verdict

IDENTITY_PLACES = (SKIN, HAIR_COLOUR, EYES)  # what a score of likeness counts, by its place in a code
IDENTITY = tuple(ATTRIBUTES[place].name for place in IDENTITY_PLACES)
CHANCE = tuple(1 / SIZES[place] for place in IDENTITY_PLACES)  # that a guess is right
TOLD_APART = tuple(
    each.name for place, each in enumerate(ATTRIBUTES) if place != FACE
)  # the noun tells the face's shape

Hits = dict[str, list[bool]]


def text_hits(verdict: Verdict, facts: Facts, codes: Tensor, row: int, width: int) -> Hits:
    """Return what a picture shows of what its caption says.

    Args:
        verdict: of the picture.
        facts: of all captions.
        codes: of everybody in all of them, (B, N, 7); only the noun counts.
        row: which of them.
        width: of the picture, pixels.

    Returns:
        By what is said, once or for everybody from left to right; all of a person is missed where the number of people
        is wrong.
    """
    wanted = int(facts.people[row])
    counted = verdict.count == wanted
    hits: Hits = {
        "people": [counted],
        "pattern": [int(verdict.backdrop["pattern"].argmax()) == int(facts.pattern[row])],
        "tint": [int(verdict.backdrop["tint"].argmax()) == int(facts.tint[row])],
    }
    if facts.side[row] >= 0:
        hits["side"] = [counted and _side(verdict, width) == int(facts.side[row])]
    said = {"noun": ("face", codes[row, :, FACE]), "clothing": ("clothing", facts.clothing[row])}
    said["accessory"] = ("accessory", facts.accessory[row])
    for name, (question, true) in said.items():
        hits[name] = (verdict.answers(question) == true[:wanted]).tolist() if counted else [False] * wanted
    return hits


def identity_hits(verdict: Verdict, codes: Tensor) -> Hits:
    """Return which attributes of people a picture shows, whoever stands where.

    Args:
        verdict: of the picture.
        codes: of the people who should be there, (N, 7).

    Returns:
        For every attribute of `IDENTITY`, whether each person's is seen on the face that is most like them.
    """
    likely = likelihoods(verdict, codes, IDENTITY)
    faces = _most_likely_places(likely)
    hits: Hits = {name: [] for name in IDENTITY}
    for person, face in enumerate(faces):
        for name in IDENTITY:
            true = codes[person, _PLACES[name]]
            hits[name].append(face is not None and int(verdict.answers(name)[face]) == int(true))
    return hits


def all_recognised(verdict: Verdict, codes: Tensor, others: Tensor) -> bool:
    """Whether everybody is there once, told from strangers.

    Args:
        verdict: of the picture.
        codes: of the people who should be there, (N, 7).
        others: of a line-up of strangers, (M, 7).

    Returns:
        Whether there are N faces, and each is more like another one of the N than like anybody else of N + M.
    """
    if verdict.count != len(codes):
        return False
    picked = likelihoods(verdict, torch.cat((codes, others)), TOLD_APART).argmax(-1)
    return sorted(picked.tolist()) == list(range(len(codes)))


def agreement(verdict: Verdict) -> float | None:
    """Return the share of `IDENTITY` in which the two faces of a picture agree; None unless there are two."""
    if verdict.count != 2:
        return None
    return sum(float(first == second) for first, second in (verdict.answers(name) for name in IDENTITY)) / len(IDENTITY)


def likelihoods(verdict: Verdict, codes: Tensor, names: tuple[str, ...]) -> Tensor:
    """Return how likely every face is every person by some attributes, logarithms, (F, N)."""
    total = torch.zeros(verdict.count, len(codes))
    for name in names:
        total += verdict.people[name][:, codes[:, _PLACES[name]]]
    return total


def merge(hits: list[Hits]) -> Hits:
    """Join the hits of many pictures by name."""
    merged: Hits = {}
    for each in hits:
        for name, found in each.items():
            merged.setdefault(name, []).extend(found)
    return merged


_PLACES: Mapping[str, int] = {each.name: place for place, each in enumerate(ATTRIBUTES)}


def _side(verdict: Verdict, width: int) -> int:
    middle = float(verdict.points[0, :, 0].mean()) / width
    return min(int(middle * len(SIDES)), len(SIDES) - 1)


def _most_likely_places(likely: Tensor) -> list[int | None]:
    """Return a face for every person, each face for one; None for those for whom no face is left."""
    faces, people = likely.shape
    places: list[int | None] = [*range(faces), *([None] * max(0, people - faces))]

    def fit(order: tuple[int | None, ...]) -> float:
        return sum(float(likely[face, person]) for person, face in enumerate(order) if face is not None)

    return list(max(permutations(places, people), key=fit))
