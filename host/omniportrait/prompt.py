"""OmniPortrait's prompt in ComfyUI: text whose nouns have become people, as CONDITIONING."""

from __future__ import annotations

import logging
from typing import Any

from torch import Tensor

from ...models.errors import InvalidSettingError, require_range
from ...models.omniportrait.pivot_id_encoder import STRONGEST
from ...models.omniportrait.pivot_prompt import MarkedPrompt, mark_people, read_prompt
from ...models.people.person import People, Person
from ..memory import loaded
from ..prompt_tokens import require_width, rows_of_words
from ..sampling.delayed_conditioning import Conditioning
from ..unet import keys
from .adapter import NAME, LoadedOmniPortrait

logger = logging.getLogger(__name__)

Pivots = tuple[tuple[int, int], ...]  # place of the person in the chain, row of the CONDITIONING


def encode_prompt(
    clip: Any,
    people: People,
    text: str,
    *,
    omniportrait: LoadedOmniPortrait | None = None,
    strength: float = 1.0,
) -> tuple[Conditioning, str]:
    """Encode a prompt, note which rows name whom, and fuse the people into those rows.

    Prompt weights, embeddings and long prompts are ComfyUI's own. The noun of somebody who is off, left out or without a
    face stays an ordinary word.

    Args:
        clip: the text encoder; the adapter's architecture, if there is an adapter.
        people: everybody; `@id2` is the second, whoever is off.
        text: with markers, see `models.omniportrait.pivot_prompt`.
        omniportrait: the adapter; None fuses nothing.
        strength: of the fusion for a person whose own strength is 1, 0–2; 0 fuses nothing.

    Returns:
        CONDITIONING, the pooled vector as without people, and the text without markers.

    Raises:
        InvalidSettingError: if markers and people do not fit each other, a marker has no noun of its own, or the strength is
            out of range.
        IncompatibleBaseModelError: if the CLIP belongs to another architecture.
    """
    require_range("strength", strength, STRONGEST)
    acting = {place: person for place, person in enumerate(people) if person.is_on and person.has_face}
    prompt = mark_people(text, len(people), acting)
    _report(text, prompt, people, acting)
    encoded = clip.encode_from_tokens_scheduled(clip.tokenize(prompt.text))
    pivots = _pivots(clip, prompt)
    if omniportrait is not None:
        require_width(encoded, omniportrait.adapter.context_dim, name=NAME)
        if strength > 0 and pivots:
            encoded = _fuse(omniportrait, encoded, people, pivots, strength)
    return [[tensor, {**options, keys.PIVOTS: pivots}] for tensor, options in encoded], prompt.text


def _report(text: str, prompt: MarkedPrompt, people: People, acting: dict[int, Person]) -> None:
    """Tell the log who is not in the prompt, and why."""
    if not acting:
        logger.warning("%s: nobody is in the chain who acts, so the prompt is encoded without people", NAME)
    for place in prompt.without(len(people)):
        if place in acting:
            message = '%s: no word of the prompt is "%s"; write @id%d behind one'
            logger.warning(message, NAME, people[place].name, place + 1)
    for place in sorted({mark.person for mark in read_prompt(text).marks} - acting.keys()):
        if place < len(people):
            message = '%s: "%s" is off or has no face, so the noun before @id%d stays a plain word'
            logger.info(message, NAME, people[place].name, place + 1)


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
    omniportrait: LoadedOmniPortrait, entries: Conditioning, people: People, pivots: Pivots, strength: float
) -> Conditioning:
    """CONDITIONING with people fused into their rows; the given one stays as it is."""
    places = sorted({place for place, _ in pivots})
    embeddings = omniportrait.encode([people[place] for place in places])  # (N, E)
    shown = embeddings[[places.index(place) for place, _ in pivots]]  # (R, E)
    strengths = [_strength(people[place], strength) for place, _ in pivots]
    rows = [row for _, row in pivots]
    with loaded(omniportrait.networks):
        return [[_fused(omniportrait, tensor, rows, shown, strengths), options] for tensor, options in entries]


def _strength(person: Person, strength: float) -> float:
    """The strength of somebody's fusion; the encoder knows none above 2."""
    asked = strength * person.settings.strength
    if asked > STRONGEST:
        logger.warning('%s: the strength of "%s" is %g, and %g is taken', NAME, person.name, asked, STRONGEST)
    return min(asked, STRONGEST)


def _fused(
    omniportrait: LoadedOmniPortrait, tensor: Tensor, rows: list[int], shown: Tensor, strengths: list[float]
) -> Tensor:
    """Text rows, (1, L, D), with embeddings, (R, E), fused into as many of them."""
    pivot = omniportrait.adapter.pivot
    like = next(pivot.parameters())
    fused = tensor.clone()
    fused[0, rows] = pivot(tensor[0, rows].to(like), shown.to(like), strengths).to(fused)
    return fused
