"""ConsistentID's prompt in ComfyUI: text with facial regions fused into its words, as CONDITIONING."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...models.adapters.regional_text import EVERYBODY
from ...models.consistentid.facial_prompt import Caption, ComposedPrompt, FacialPrompt, assemble, compose
from ...models.consistentid.facial_tokens import MarkedTokens, mark
from ...models.consistentid.identity import FacialRegion, FacialRegions, Identities
from ..memory import loaded
from ..prompt_tokens import chunk, encode_chunks, literal_ids, require_width, rows_of_spans, rows_of_tokens, tokenizers
from ..sampling.delayed_conditioning import Conditioning, MergePoint, join_phases
from ..unet import keys
from .adapter import NAME, LoadedConsistentID


@dataclass(frozen=True, eq=False, slots=True)
class EncodedPrompt:
    """What the prompt node hands on.

    Attributes:
        positive, negative: CONDITIONING.
        text: the prompt as it was assembled, with `<|facial|>` after every word that a region goes into.
    """

    positive: Conditioning
    negative: Conditioning
    text: str


def encode_prompt(
    consistentid: LoadedConsistentID,
    clip: Any,
    identities: Identities,
    *,
    positive: str,
    negative: str,
    merge: MergePoint,
    size: tuple[int, int],
) -> EncodedPrompt:
    """Encode a prompt and fuse people's facial regions into it.

    Args:
        consistentid: the adapter.
        clip: a CLIP of the same architecture.
        identities: the people.
        positive, negative: texts.
        merge: when the regions are merged into the prompt.
        size: width and height of the picture, pixels; SDXL's size conditioning, other models ignore it.

    Raises:
        IncompatibleBaseModelError: if the CLIP belongs to another architecture.
    """
    if consistentid.flavour.literal_text:
        encoded = _published(consistentid, clip, identities, positive, negative, merge)
    else:
        encoded = _corrected(consistentid, clip, identities, positive, negative, merge)
    if len(tokenizers(clip)) == 1:
        return encoded
    width, height = size
    sized = {"width": width, "height": height, "crop_w": 0, "crop_h": 0, "target_width": width, "target_height": height}
    return EncodedPrompt(_with(encoded.positive, sized), _with(encoded.negative, sized), encoded.text)


def _published(
    consistentid: LoadedConsistentID,
    clip: Any,
    identities: Identities,
    text: str,
    negative_text: str,
    merge: MergePoint,
) -> EncodedPrompt:
    """The published pipelines to the letter: literal text, one chunk, markers that the second tokenizer does not know."""
    parts = tokenizers(clip)
    person = identities.people[0] if identities.people else None
    regions = person.regions if person else FacialRegions()

    def marked(what: str) -> MarkedTokens:
        return mark(what, lambda piece: literal_ids(parts["l"], piece), pad=parts["l"].pad_token)

    prompt: FacialPrompt = assemble(
        text,
        regions.names,
        flavour=consistentid.flavour,
        caption=(person.caption or None) if person else None,
        count=lambda what: marked(what).raw_length,
    )
    tokens = marked(prompt.text)
    ids = {"l": tokens.ids.tolist()}
    if "g" in parts:
        ids["g"] = chunk(parts["g"], literal_ids(parts["g"], prompt.text), keep_end=False)

    def plain(what: str) -> Conditioning:
        return encode_chunks(clip, {name: chunk(part, literal_ids(part, what)) for name, part in parts.items()})

    augmented, alone, against = encode_chunks(clip, ids), plain(prompt.plain), plain(negative_text)
    require_width(augmented, consistentid.adapter.context_dim, name=NAME)
    if person is None:
        return EncodedPrompt(alone, against, prompt.text)
    by_name = {region.name: region for region in regions.regions}
    nobody = FacialRegion(name="Face", vector=identities.null_region)
    # a marker without a region reads an empty picture, as do all of the negative prompt
    chosen = [by_name[name] for name in prompt.regions] + [nobody] * len(tokens.positions)
    rows = list(tokens.positions)
    with loaded(consistentid.encoder):
        merged = _fuse(consistentid, augmented, rows, chosen[: len(rows)])
        if consistentid.flavour.fused_negative:
            against = _fuse(consistentid, against, rows, [nobody] * len(rows))
    if not consistentid.flavour.control_context:
        return EncodedPrompt(join_phases(alone, merged, merge), against, prompt.text)
    shown = [[torch.cat([tensor, person.tokens.to(tensor)], dim=1) for tensor, _ in part] for part in (alone, merged)]
    alone, merged = (_for_control(part, texts) for part, texts in zip((alone, merged), shown, strict=True))
    against = join_phases(_for_control(against, shown[0]), _for_control(against, shown[1]), merge)
    return EncodedPrompt(join_phases(alone, merged, merge), against, prompt.text)


def _corrected(
    consistentid: LoadedConsistentID,
    clip: Any,
    identities: Identities,
    text: str,
    negative_text: str,
    merge: MergePoint,
) -> EncodedPrompt:
    """ComfyUI's own prompt syntax and chunks; every region in its own word, several people, the negative as it is."""
    people = identities.people
    captions = [Caption(person.caption or None, person.regions.names) for person in people]
    prompt: ComposedPrompt = compose(text, captions, flavour=consistentid.flavour)
    alone = clip.encode_from_tokens_scheduled(clip.tokenize(prompt.text))
    against = clip.encode_from_tokens_scheduled(clip.tokenize(negative_text))
    require_width(alone, consistentid.adapter.context_dim, name=NAME)
    if len(people) > 1:
        alone = _with(alone, {keys.OWNERS: _owners(clip, prompt, alone[0][0].shape[1])})
    if not prompt.marks:
        return EncodedPrompt(alone, against, prompt.text)
    rows = rows_of_tokens(clip, prompt.text, [marked.end for marked in prompt.marks])
    regions = [people[marked.person].regions.by_feature()[marked.feature] for marked in prompt.marks]
    with loaded(consistentid.encoder):
        merged = _fuse(consistentid, alone, rows, regions)
    return EncodedPrompt(join_phases(alone, merged, merge), against, prompt.marked_text)


def _fuse(
    consistentid: LoadedConsistentID, entries: Conditioning, places: Sequence[int], regions: Sequence[FacialRegion]
) -> Conditioning:
    """CONDITIONING with regions fused into its rows at as many places; the given one stays as it is."""
    if not places:
        return entries
    encoder = consistentid.adapter.facial_encoder
    like = next(encoder.parameters())
    vectors = torch.cat([region.vector for region in regions]).to(like)  # (R, D)
    strengths = torch.tensor([region.strength for region in regions]).to(like)[:, None]
    fused: Conditioning = []
    for tensor, options in entries:
        rows = tensor[:, places].to(like)  # (1, R, D)
        changed = torch.lerp(rows, encoder.fuse(rows, vectors[None].expand_as(rows)), strengths)
        tensor = tensor.clone()
        tensor[:, places] = changed.to(tensor)
        fused.append([tensor, options])
    return fused


def _owners(clip: Any, prompt: ComposedPrompt, length: int) -> tuple[int, ...]:
    """Whose every row is: those of a person's caption are that person's."""
    owners = [EVERYBODY] * length
    for person, rows in enumerate(rows_of_spans(clip, prompt.text, prompt.spans)):
        for row in rows:
            owners[row] = person
    return tuple(owners)


def _with(entries: Conditioning, added: dict[str, Any]) -> Conditioning:
    return [[tensor, {**options, **added}] for tensor, options in entries]


def _for_control(entries: Conditioning, texts: Sequence[Tensor]) -> Conditioning:
    """Entries whose ControlNets see another text."""
    return [
        [tensor, {**options, keys.CONTROL_TEXT: text}] for (tensor, options), text in zip(entries, texts, strict=True)
    ]
