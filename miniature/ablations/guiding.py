"""How the pictures of an arm are guided by OmniPortrait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from ...diffusers_host.base import Base
from ...diffusers_host.guidance import Guided
from ...diffusers_host.noise_levels import share_behind
from ...models.miniature.finder import FaceFinder
from ...models.omniportrait.application import reference_guidance
from ...models.omniportrait.guidance_settings import GuidanceSettings, StrengthMode
from ...models.omniportrait.guided_person import MaskSource, ReferencePicture
from ...models.omniportrait.mask_sources import AttentionMasks, FaceMasks
from ...models.people.person import Person
from ...models.placement.windows import SigmaWindow
from ...models.port.guidance import FeatureCapture
from ...models.records.guidance import GuidanceRecord
from ..recipe.latents import encode_pictures
from ..recipe.pivot_people import noun_rows
from .heads import WIDENING, Beside, Previews
from .matching import BLOCK, REFERENCE_SIGMA
from .questions import Questions

# Chosen on 48 pictures of the world in which the gate's settings were chosen. The start is the paper's u = 0.8, not 0.6.
STRENGTH, START = 6.0, 8.0
WITH_TOKENS = 3.0  # strength where a pivot brings the person already: 6 was too strong on these pictures
WITH_PIVOT = 1.5  # likewise where it is OmniPortrait's own
Where = Literal["head", "face", "word", "beside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guiding:
    """How pictures are guided.

    Attributes:
        mode: what the strength is.
        strength: s, the share of what classifier-free guidance does, or the paper's p.
        start: noise level from which on they are guided.
        reference_sigma: noise level at which the references are read.
        block: output block whose features are matched.
        where: inside which masks: a detector's faces in the preview, widened to heads or as they are; the attention to the
            noun; or heads half a picture beside, which is wrong on purpose.
        keeps_background: whether gradients act inside the masks alone.
        together, every: see `GuidanceSettings`.
    """

    mode: StrengthMode = "relative"
    strength: float = STRENGTH
    start: float = START
    reference_sigma: float = REFERENCE_SIGMA
    block: int = BLOCK
    where: Where = "head"
    keeps_background: bool = True
    together: bool = False
    every: int = 1

    def of(self, base: Base, finder: FaceFinder, questions: Questions, rows: slice, record: GuidanceRecord) -> Guided:
        """Return the guidance of some questions, each by portraits of its own people; a record takes notes."""
        source = self._source(base, finder)
        settings = GuidanceSettings(
            mode=self.mode,
            strength=self.strength,
            window=SigmaWindow(self.start),
            reference_percent=share_behind(self.reference_sigma),
            keeps_background=self.keeps_background,
            together=self.together,
            every=self.every,
        )
        guidances = tuple(
            reference_guidance(
                {place: Person(name=f"person {place + 1}") for place in references},
                references,
                settings=settings,
                capture=FeatureCapture(self.block),
                source=source,
            )
            for references in self._references(base, questions, rows)
        )
        return Guided(rows=guidances, words=noun_rows(questions.scene.captions[rows]), record=record)

    def _source(self, base: Base, finder: FaceFinder) -> MaskSource:
        if self.where == "word":
            return AttentionMasks()
        faces = FaceMasks(Previews(base, finder, 0.0 if self.where == "face" else WIDENING))
        return Beside(faces) if self.where == "beside" else faces

    @torch.no_grad()
    def _references(
        self, base: Base, questions: Questions, rows: slice
    ) -> list[dict[int, tuple[ReferencePicture, ...]]]:
        """Everybody's portrait by their place from left to right, question by question."""
        masks = questions.faces if self.where == "face" else questions.heads
        return [
            {
                place: (ReferencePicture(latent[None], mask),)
                for place, (latent, mask) in enumerate(
                    zip(encode_pictures(base, portraits) / base.latent_scale, seen, strict=True)
                )
            }
            for portraits, seen in zip(questions.references[rows], masks[rows], strict=True)
        ]
