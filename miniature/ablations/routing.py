"""Who is where in the pictures of one batch, other people in each: UniPortrait's routers, and what is asked instead of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import one_hot

from ...diffusers_host.looking import NOBODY, Looks
from ...models.clip import text_ids
from ...models.placement.faces import FaceLook, SeenFaces
from ...models.placement.found import Found
from ...models.placement.placements import Everywhere, Masks, Placement
from ...models.placement.words import WordLook
from ...models.port.attention import AttentionCall, AttentionSite, Polarity
from ...models.uniportrait.id_routing import IDRouter
from ..world.captions import Caption

Choice = Literal["argmax", "softmax", "everybody"]
Way = Choice | Literal["halves", "equal parts", "words", "faces"]
SIDE = 16  # of a mask; as the latents
_SAID = re.compile(
    r"(?: (?:in|wearing|dressed in)(?: a)? \w+(?: shirt)?)?(?: with (?:a )?(?:white |red )?(?:glasses|headband))?"
    r"(?: (?:on|in|at) the (?:left|right|middle|centre)(?: side)?)?"
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RoutedRows:
    """A placement of the people of every picture.

    Attributes:
        routers: an IDRouter by site index.
        tokens: of the people of every picture, (B, N, T, D).
        choice: how a router's preference becomes weights; "everybody" asks no router and adds all people everywhere, so that
            weights sum to N.
        entropies: takes the mean entropy of the routers' softmax of every call, nats; None where nobody asks.
    """

    routers: nn.ModuleDict
    tokens: Tensor
    choice: Choice = "argmax"
    entropies: list[float] | None = None

    def __call__(self, site: AttentionSite, call: AttentionCall) -> Tensor:
        """Weights (B, L, N), or (B, 1, N) where they are the same at all positions."""
        tokens = self.tokens[call.samples[0] : call.samples[-1] + 1]
        rows, people = tokens.shape[:2]
        if people == 1 or self.choice == "everybody":
            return call.query.new_ones(rows, 1, people)
        if call.polarity is Polarity.NEGATIVE:
            return call.query.new_full((rows, 1, people), 1 / people)
        logits = cast(IDRouter, self.routers[str(site.index)]).logits(call.hidden, tokens)
        shares = logits.softmax(-1)
        if self.entropies is not None:
            entropy = -(shares * shares.clamp_min(1e-12).log()).sum(-1).mean()
            self.entropies.append(float(entropy.detach()))
        if self.choice == "softmax":
            return shares
        return one_hot(logits.argmax(-1), people).to(logits)


@dataclass(frozen=True, eq=False, slots=True)
class Placed:
    """Who is where in the pictures of one batch.

    Attributes:
        placement: of the people of every picture.
        looks: what has to look for them while they are drawn.
    """

    placement: Placement
    looks: Looks = NOBODY


def find_people(way: Way, captions: Sequence[Caption], find: Callable[[Tensor], Sequence[SeenFaces]]) -> Placed | None:
    """Return where people are who are looked for while pictures are drawn, from left to right; None for any other way.

    Args:
        way: "words" goes by the words that say who somebody is and what they wear, "faces" by what a finder sees in previews.
        captions: of all pictures.
        find: sees faces in latents as the VAE takes them.
    """
    places = tuple(range(len(captions[0].nouns)))
    if way == "words":
        words = WordLook()
        return Placed(Found(words, places), Looks(words=words, rows=phrase_rows(captions)))
    if way == "faces":
        faces = FaceLook(find=find, places=places)
        return Placed(Found(faces, places), Looks(faces=faces))
    return None


def phrase_rows(captions: Sequence[Caption]) -> Tensor:
    """Return the rows of everybody's noun and of what is said of their clothes and side, (B, N, R) int64; -1 is none."""
    found: list[list[Tensor]] = []
    for caption in captions:
        rows: list[Tensor] = []
        for start, end in caption.nouns:
            said = _SAID.match(caption.text, end)
            last = end if said is None else said.end()
            first, count = (len(text_ids(caption.text[:offset])) for offset in (start, last))
            rows.append(torch.arange(first + 1, count + 1))
        found.append(rows)
    most = max(len(rows) for each in found for rows in each)
    return torch.stack([torch.stack([functional.pad(r, (0, most - len(r)), value=-1) for r in each]) for each in found])


def way_to_place(way: Way, routers: nn.ModuleDict, tokens: Tensor, entropies: list[float]) -> Placement:
    """Return the placement of the people of every picture, where nobody has to look for them.

    Args:
        way: a choice of `RoutedRows`; "halves" divides the picture among people from left to right, "equal parts" gives every
            position to all of them in equal parts.
        routers, tokens, entropies: see `RoutedRows`.
    """
    people = tokens.shape[1]
    if way == "equal parts":
        return Everywhere(people)
    if way == "halves":
        return Masks(tuple(_column(number, people) for number in range(people)))
    if way in ("words", "faces"):
        raise ValueError(f"People are found by {way}; see `find_people`.")
    return RoutedRows(routers=routers, tokens=tokens, choice=way, entropies=entropies)


def _column(number: int, people: int) -> Tensor:
    """Return the part of the picture of somebody, from the left, (1, H, W)."""
    mask = torch.zeros(1, SIDE, SIDE)
    mask[..., SIDE * number // people : SIDE * (number + 1) // people] = 1
    return mask
