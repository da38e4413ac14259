"""The corrected prompt in ComfyUI: its own prompt syntax and chunks, every region in its own word, several people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...models.adapters.regional_text import EVERYBODY
from ...models.consistentid.corrected import Corrected
from ...models.consistentid.described import DescribedPerson
from ...models.consistentid.marked_text import ComposedPrompt
from ..prompt_tokens import require_width, rows_of_spans, rows_of_tokens
from ..sampling.delayed_conditioning import MergePoint, join_phases
from ..unet import keys
from .adapter import NAME, LoadedConsistentID
from .conditioning import EncodedText, fuse, with_options


def encode_corrected(
    consistentid: LoadedConsistentID,
    flavour: Corrected,
    clip: Any,
    people: Sequence[DescribedPerson],
    text: str,
    negative_text: str,
    merge: MergePoint,
) -> EncodedText:
    """Encode a prompt in ComfyUI's own syntax; every region goes into its own word, the negative text stays as it is.

    Of several people, every row of a caption names its person, by their place in the chain.
    """
    prompt = flavour.compose(text, [person.caption for person in people])
    alone = clip.encode_from_tokens_scheduled(clip.tokenize(prompt.text))
    against = clip.encode_from_tokens_scheduled(clip.tokenize(negative_text))
    require_width(alone, consistentid.adapter.context_dim, name=NAME)
    if len(people) > 1:
        alone = with_options(alone, {keys.OWNERS: _owners(clip, prompt, people, alone[0][0].shape[1])})
    if not prompt.marks:
        return EncodedText(alone, against, prompt.text)
    rows = rows_of_tokens(clip, prompt.text, [mark.end for mark in prompt.marks])
    regions = [people[mark.person].regions.by_feature()[mark.feature] for mark in prompt.marks]
    merged = fuse(consistentid, alone, rows, regions)
    return EncodedText(join_phases(alone, merged, merge), against, prompt.marked_text)


def _owners(clip: Any, prompt: ComposedPrompt, people: Sequence[DescribedPerson], length: int) -> tuple[int, ...]:
    """Whose every row is, by place in the chain: those of a person's caption are that person's."""
    owners = [EVERYBODY] * length
    for person, rows in zip(people, rows_of_spans(clip, prompt.text, prompt.spans), strict=True):
        for row in rows:
            owners[row] = person.place
    return tuple(owners)
