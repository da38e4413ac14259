"""OmniPortrait's prompt in ComfyUI: text whose nouns have become people, as CONDITIONING."""

from __future__ import annotations

import logging
from typing import Any

from torch import Tensor

from ...models.errors import require_range
from ...models.omniportrait.pivot_id_encoder import STRONGEST
from ...models.people.person import People, Person
from ..memory import loaded
from ..named_text import Rows, name_rows
from ..people_prompt import encode_with_names
from ..sampling.delayed_conditioning import Conditioning
from ..unet.sites import require_width
from .adapter import NAME, LoadedOmniPortrait

logger = logging.getLogger(__name__)


def encode_prompt(
    clip: Any, people: People, text: str, *, omniportrait: LoadedOmniPortrait, strength: float = 1.0
) -> tuple[Conditioning, str]:
    """Encode a prompt, note which rows name whom, and fuse the people into the rows of their nouns.

    Prompt weights, embeddings and long prompts are ComfyUI's own. The noun of somebody who is off, left out or without a
    face stays an ordinary word.

    Args:
        clip: the text encoder; of the adapter's architecture.
        people: everybody; `@id2` is the second, whoever is off.
        text: with markers, see `models.people.marked_prompt`.
        omniportrait: the adapter.
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
    prompt = encode_with_names(clip, people, text, acting, method=NAME, reason="is off or has no face")
    require_width(prompt.conditioning[0][0], omniportrait.adapter.context_dim, name=NAME)
    if strength > 0 and prompt.rows.nouns:
        fused = _fuse(omniportrait, prompt.conditioning, people, prompt.rows.nouns, strength)
        return name_rows(fused, prompt.rows.all), prompt.text
    return prompt.conditioning, prompt.text


def _fuse(
    omniportrait: LoadedOmniPortrait, entries: Conditioning, people: People, nouns: Rows, strength: float
) -> Conditioning:
    """CONDITIONING with people fused into their rows; the given one stays as it is."""
    places = sorted({place for place, _ in nouns})
    embeddings = omniportrait.encode([people[place] for place in places])  # (N, E)
    shown = embeddings[[places.index(place) for place, _ in nouns]]  # (R, E)
    strengths = [_strength(people[place], strength) for place, _ in nouns]
    rows = [row for _, row in nouns]
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
