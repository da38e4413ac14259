"""The published prompt in ComfyUI, to the letter: literal text, one chunk, markers that SDXL's second tokenizer splits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...models.consistentid.facial_regions import DescribedPerson, FacialRegion
from ...models.consistentid.marked_text import Caption, MarkedTokens, mark
from ...models.people.person import People
from ..named_text import name_rows
from ..prompt_tokens import chunk, encode_chunks, literal_ids, tokenizers
from ..sampling.delayed_conditioning import Conditioning, EncodedText, MergePoint, join_phases
from ..unet import keys
from ..unet.sites import require_width
from .adapter import NAME, LoadedConsistentID


def encode_published(
    consistentid: LoadedConsistentID,
    clip: Any,
    people: People,
    described: Sequence[DescribedPerson],
    text: str,
    negative_text: str,
    merge: MergePoint,
) -> EncodedText:
    """Encode a prompt as the published pipelines do.

    Brackets, weights and embeddings are plain text; ids beyond 77 are cut off together with the end token. SDXL's second
    tokenizer never learned the marker and splits each into five or so ordinary tokens, so that its rows lie beside other rows
    of the first encoder, and of the mask. Regions of empty pictures are fused into the negative text at the positive text's
    places, in both phases, because the published code writes into its input.

    Args:
        consistentid: the adapter.
        clip: a CLIP of the same architecture.
        people: the chain.
        described: its one person who acts, or nobody.
        text, negative_text: prompts.
        merge: when the regions are merged into the prompt.
    """
    parts = tokenizers(clip)
    person = described[0] if described else None

    def marked(what: str) -> MarkedTokens:
        return mark(what, lambda piece: literal_ids(parts["l"], piece), pad=parts["l"].pad_token)

    caption = person.caption if person else Caption(None, ())
    prompt = consistentid.flavour.assemble(text, caption, lambda what: marked(what).raw_length)
    tokens = marked(prompt.text)
    ids = {"l": tokens.ids.tolist()}
    if "g" in parts:
        ids["g"] = chunk(parts["g"], literal_ids(parts["g"], prompt.text), keep_end=False)

    def plain(what: str) -> Conditioning:
        return encode_chunks(clip, {name: chunk(part, literal_ids(part, what)) for name, part in parts.items()})

    augmented, alone, against = encode_chunks(clip, ids), plain(prompt.plain), plain(negative_text)
    require_width(augmented[0][0], consistentid.adapter.context_dim, name=NAME)
    if person is None:
        return EncodedText(alone, against, prompt.text)
    rows = list(tokens.positions)
    merged = augmented
    if rows:
        by_name = {region.name: region for region in person.regions.regions}
        nobody = FacialRegion(name="Face", vector=consistentid.null_region())
        # a marker without a region reads an empty picture, as do all of the negative prompt
        chosen = [by_name[name] for name in prompt.regions] + [nobody] * len(rows)
        merged = consistentid.fuse(augmented, rows, chosen[: len(rows)])
        merged = name_rows(merged, tuple((person.place, row) for row in rows))
        against = consistentid.fuse(against, rows, [nobody] * len(rows))
    if not consistentid.flavour.control_context:
        return EncodedText(join_phases(alone, merged, merge), against, prompt.text)
    id_tokens = consistentid.encode([people[person.place]]).tokens
    shown = [[torch.cat([tensor, id_tokens.to(tensor)], dim=1) for tensor, _ in part] for part in (alone, merged)]
    alone, merged = (_for_control(part, texts) for part, texts in zip((alone, merged), shown, strict=True))
    against = join_phases(_for_control(against, shown[0]), _for_control(against, shown[1]), merge)
    return EncodedText(join_phases(alone, merged, merge), against, prompt.text)


def _for_control(entries: Conditioning, texts: Sequence[Tensor]) -> Conditioning:
    """Entries whose ControlNets see another text."""
    return [
        [tensor, {**options, keys.CONTROL_TEXT: text}] for (tensor, options), text in zip(entries, texts, strict=True)
    ]
