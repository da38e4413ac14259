"""OmniPortrait's prompt in ComfyUI: text whose nouns have become people, as CONDITIONING."""

from __future__ import annotations

import logging
from typing import Any

from torch import Tensor

from ...models.errors import InvalidSettingError, require_range
from ...models.omniportrait.pivot_prompt import MarkedPrompt, mark_people
from ...models.omniportrait.references import References
from ..memory import loaded
from ..prompt_tokens import require_width, rows_of_words
from ..sampling.delayed_conditioning import Conditioning
from ..unet import keys
from .adapter import NAME, LoadedOmniPortrait, embed

logger = logging.getLogger(__name__)

STRONGEST = 2.0
Pivots = tuple[tuple[int, int], ...]  # place of the person in the chain, row of the CONDITIONING


def encode_prompt(
    clip: Any,
    references: References,
    text: str,
    *,
    omniportrait: LoadedOmniPortrait | None = None,
    strength: float = 1.0,
) -> Conditioning:
    """Encode a prompt, note which rows name whom, and fuse the people into those rows.

    Prompt weights, embeddings and long prompts are ComfyUI's own.

    Args:
        clip: the text encoder; the adapter's architecture, if there is an adapter.
        references: the people.
        text: with markers, see `models.omniportrait.pivot_prompt`.
        omniportrait: the adapter; None fuses nothing.
        strength: of the fusion, 0-2; 0 fuses nothing.

    Returns:
        CONDITIONING, the pooled vector as without people.

    Raises:
        InvalidSettingError: if markers and people do not fit each other, a marker has no noun of its own, or the strength is
            out of range.
        IncompatibleBaseModelError: if the CLIP belongs to another architecture.
    """
    require_range("strength", strength, STRONGEST)
    people = references.people
    prompt = mark_people(text, len(people))
    if not people:
        logger.warning("%s: nobody is in the chain, so the prompt is encoded without people", NAME)
    for place in prompt.without(len(people)):
        logger.warning('%s: no word of the prompt is "%s"; write @id%d behind one', NAME, people[place].name, place + 1)
    encoded = clip.encode_from_tokens_scheduled(clip.tokenize(prompt.text))
    pivots = _pivots(clip, prompt)
    if omniportrait is not None:
        require_width(encoded, omniportrait.adapter.context_dim, name=NAME)
        if strength > 0 and pivots:
            encoded = _fuse(omniportrait, encoded, references, pivots, strength)
    return [[tensor, {**options, keys.PIVOTS: pivots}] for tensor, options in encoded]


def _pivots(clip: Any, prompt: MarkedPrompt) -> Pivots:
    """The row of every marked noun; a noun that is marked twice counts once."""
    rows = rows_of_words(clip, prompt.text, [mark.end for mark in prompt.marks])
    named: dict[int, int] = {}
    for mark, row in zip(prompt.marks, rows, strict=True):
        if row is None:
            raise InvalidSettingError(
                f'No word stands before {mark.name}; write it behind a noun, as in "a man {mark.name}".'
            )
        if named.setdefault(row, mark.person) != mark.person:
            raise InvalidSettingError(
                f"@id{named[row] + 1} and {mark.name} follow the same word; give each person a noun of their own."
            )
    return tuple((person, row) for row, person in named.items())


def _fuse(
    omniportrait: LoadedOmniPortrait, entries: Conditioning, references: References, pivots: Pivots, strength: float
) -> Conditioning:
    """CONDITIONING with people fused into their rows; the given one stays as it is."""
    places = sorted({person for person, _ in pivots})
    embeddings = embed(omniportrait, References(tuple(references.people[place] for place in places)))  # (N, E)
    shown = embeddings[[places.index(person) for person, _ in pivots]]  # (R, E)
    rows = [row for _, row in pivots]
    with loaded(omniportrait.networks):
        return [[_fused(omniportrait, tensor, rows, shown, strength), options] for tensor, options in entries]


def _fused(omniportrait: LoadedOmniPortrait, tensor: Tensor, rows: list[int], shown: Tensor, strength: float) -> Tensor:
    """Text rows, (1, L, D), with embeddings, (R, E), fused into as many of them."""
    pivot = omniportrait.adapter.pivot
    like = next(pivot.parameters())
    fused = tensor.clone()
    fused[0, rows] = pivot(tensor[0, rows].to(like), shown.to(like), strength).to(fused)
    return fused
