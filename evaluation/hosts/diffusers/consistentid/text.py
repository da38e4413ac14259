"""ConsistentID's prompt on diffusers: one person's description behind the text, regions of the face fused into its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .....diffusers_host.text_encoders import TextCondition, TextEncoder, encode_ids, encode_prompts
from .....models.clip import BOS, EOS, text_ids
from .....models.consistentid.facial_encoder import FacialEncoder, fuse_regions
from .....models.consistentid.facial_regions import FacialRegion, FacialRegions
from .....models.consistentid.flavour import Flavour
from .....models.consistentid.marked_text import MARKER, TEXT_LENGTH, Caption, FacialPrompt, MarkedTokens, mark
from ..method import Asked, TextAt


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FacialText:
    """Makes prompts.

    Attributes:
        encoders: of the base model.
        facial_encoder: fuses regions into rows.
        flavour: the behaviour.
        null_region: gives the region vector of an empty picture, (1, D).
        merge_step: see `ConsistentIDConfig`.
    """

    encoders: Sequence[TextEncoder]
    facial_encoder: FacialEncoder
    flavour: Flavour
    null_region: Callable[[], Tensor]
    merge_step: int

    def of(self, asked: Asked, regions: FacialRegions) -> TextAt:
        """What is read at every step: the text alone at first, then with the regions.

        Reference: ConsistentID (arXiv:2404.16771), sections 3.1 and 4.1 (delayed conditioning); docs/parity.md.
        """
        prompt = self.flavour.assemble(asked.prompt, Caption(None, regions.names), _count)
        tokens = mark(prompt.text, text_ids, pad=EOS)
        alone = encode_prompts(self.encoders, [asked.negative, prompt.plain])
        merged = self._merged(alone, encode_ids(self.encoders, self._ids(prompt, tokens)), prompt, tokens, regions)
        last = self.merge_step if self.flavour.merge_inclusive else self.merge_step - 1
        early = TextCondition(tokens=torch.cat((merged.tokens[:1], alone.tokens[1:])), pooled=alone.pooled)
        return lambda step: early if step <= last else merged

    def _ids(self, prompt: FacialPrompt, tokens: MarkedTokens) -> list[list[list[int]]]:
        """The description's one row for each encoder; SDXL's second one never learned the marker and reads it as text."""
        second = prompt.text if self.flavour.mode == "published" else prompt.text.replace(MARKER, "")
        rows = [tokens.ids.tolist()]
        for encoder in self.encoders[1:]:
            row = [BOS, *text_ids(second), EOS][:TEXT_LENGTH]
            rows.append(row + [encoder.pad] * (TEXT_LENGTH - len(row)))
        return [[row] for row in rows]

    def _merged(
        self,
        alone: TextCondition,
        described: TextCondition,
        prompt: FacialPrompt,
        tokens: MarkedTokens,
        regions: FacialRegions,
    ) -> TextCondition:
        rows, negative, positive = list(tokens.positions), alone.tokens[:1], described.tokens
        if self.flavour.mode == "published" and rows:
            nobody = FacialRegion(name="Face", vector=self.null_region())
            by_name = {region.name: region for region in regions.regions}
            # regions meet words by rank; a marker without one reads an empty picture, as do all of the negative prompt
            chosen = [by_name[name] for name in prompt.regions] + [nobody] * len(rows)
            positive = fuse_regions(self.facial_encoder, positive, rows, chosen[: len(rows)])
            negative = fuse_regions(self.facial_encoder, negative, rows, [nobody] * len(rows))
        elif rows:
            by_feature = regions.by_feature()
            own = [by_feature[feature] for feature in prompt.features[: len(rows)]]
            positive = fuse_regions(self.facial_encoder, positive, rows, own)
        pooled = (
            None
            if alone.pooled is None or described.pooled is None
            else torch.cat((alone.pooled[:1], described.pooled))
        )
        return TextCondition(tokens=torch.cat((negative, positive)), pooled=pooled)


def _count(text: str) -> int:
    return mark(text, text_ids, pad=EOS).raw_length
