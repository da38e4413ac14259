"""The corrected prompt in ComfyUI: its own prompt syntax and chunks, every region in its own word, several people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...models.adapters.regional_text import EVERYBODY
from ...models.consistentid.corrected import Corrected
from ...models.consistentid.facial_regions import DescribedPerson
from ...models.consistentid.marked_text import ComposedPrompt
from ...models.people.marked_prompt import MarkedPrompt, marked_people, require_readable
from ...models.people.person import People
from ..named_text import Rows, name_rows
from ..people_prompt import named_rows
from ..prompt_tokens import rows_of_spans, rows_of_tokens
from ..sampling.delayed_conditioning import EncodedText, MergePoint, join_phases
from ..unet import keys
from ..unet.sites import require_width
from .adapter import NAME, LoadedConsistentID


def encode_corrected(
    consistentid: LoadedConsistentID,
    flavour: Corrected,
    clip: Any,
    chain: People,
    people: Sequence[DescribedPerson],
    text: str,
    negative_text: str,
    merge: MergePoint,
) -> EncodedText:
    """Encode a prompt in ComfyUI's own syntax; every region goes into its own word, the negative text stays as it is.

    Every row of a caption names its person, by their place in the chain, and of several people is read at that person's places
    alone. Markers may name further words.

    Args:
        consistentid: the adapter.
        flavour: its behaviour.
        clip: a CLIP of the same architecture.
        chain: everybody.
        people: those who act.
        text: with markers, see `models.people.marked_prompt`, or without.
        negative_text: without.
        merge: when the regions are merged into the prompt.
    """
    marked = marked_people(text, len(chain), [person.place for person in people], [person.name for person in chain])
    prompt = flavour.compose(marked.text, [person.caption for person in people])
    alone = clip.encode_from_tokens_scheduled(clip.tokenize(prompt.text))
    require_readable(negative_text)
    against = clip.encode_from_tokens_scheduled(clip.tokenize(negative_text))
    require_width(alone[0][0], consistentid.adapter.context_dim, name=NAME)
    captions = _captions(clip, prompt, people)
    words = named_rows(clip, MarkedPrompt(prompt.text, marked.marks)).all
    named = (*words, *captions)
    owners = {keys.OWNERS: _owners(captions, alone[0][0].shape[1])} if len(people) > 1 else {}
    alone = name_rows(alone, named, owners)
    if not prompt.marks:
        return EncodedText(alone, against, prompt.text)
    rows = rows_of_tokens(clip, prompt.text, [mark.end for mark in prompt.marks])
    regions = [people[mark.person].regions.by_feature()[mark.feature] for mark in prompt.marks]
    merged = name_rows(consistentid.fuse(alone, rows, regions), named)
    return EncodedText(join_phases(alone, merged, merge), against, prompt.marked_text)


def _captions(clip: Any, prompt: ComposedPrompt, people: Sequence[DescribedPerson]) -> Rows:
    """The rows of every person's caption, with the person's place in the chain."""
    found = rows_of_spans(clip, prompt.text, prompt.spans) if prompt.marks else [[] for _ in people]
    return tuple((person.place, row) for person, rows in zip(people, found, strict=True) for row in rows)


def _owners(captions: Rows, length: int) -> tuple[int, ...]:
    """Whose every row is, by place in the chain: those of a person's caption are that person's."""
    owners = [EVERYBODY] * length
    for place, row in captions:
        owners[row] = place
    return tuple(owners)
