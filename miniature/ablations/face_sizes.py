"""O6: does the strength of a pull depend on how large faces are?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ...diffusers_host.base import Base
from ...diffusers_host.guidance import Guided, GuidedRun
from ...diffusers_host.noise_levels import nearest_timestep, share_behind
from ...diffusers_host.prompted import Prompted
from ...models.omniportrait.application import reference_guidance
from ...models.omniportrait.guidance_settings import GuidanceSettings, StrengthMode
from ...models.omniportrait.guided_person import ReferencePicture
from ...models.people.person import Person
from ...models.placement.windows import ALWAYS
from ...models.port.attention import Run
from ...models.port.guidance import FeatureCapture, NoiseLevels
from ..recipe.latents import encode_pictures
from .judging import Values
from .matching import BLOCK, REFERENCE_SIGMA
from .questions import Questions

SIGMA = 1.05  # of the pictures that are pulled at
ROWS = 16  # pictures at once
MODES: dict[str, StrengthMode] = {"mean": "paper_mean", "sum": "paper_sum"}
METRICS = REFERENCE, BOTH = "smaller portrait", "smaller portrait and picture"


@dataclass(frozen=True, eq=False, slots=True)
class Sized:
    """Pictures with their heads.

    Attributes:
        pictures: (B, 3, S, S), 0–1.
        heads: share of each pixel that shows the head, (B, S, S).
    """

    pictures: Tensor
    heads: Tensor

    @property
    def smaller(self) -> Sized:
        """The same pictures at half their size, their edges going on to the old size."""
        small = interpolate(self.pictures, scale_factor=0.5, mode="bilinear", antialias=True)
        heads = interpolate(self.heads[:, None], scale_factor=0.5, mode="bilinear", antialias=True)[:, 0]
        side = (self.pictures.shape[-1] - small.shape[-1]) // 2
        around = (side, side, side, side)
        return Sized(pad(small, around, mode="replicate"), pad(heads, around))


def measure(
    base: Base, questions: Questions, heads: Tensor, *, block: int = BLOCK, at_once: int = ROWS
) -> dict[str, Values]:
    """Return how far pulls at true pictures change with the size of faces.

    Args:
        base: the miniature.
        questions: of one person each; their true pictures are pulled at, with noise.
        heads: on the true pictures, (P, S, S).
        block: output block whose features are matched.
        at_once: pictures that are pulled at together.

    Returns:
        By reduction: the logarithm to the base of 2 by which the root mean square of the shift inside the mask changes when
        the portrait's face has half the size, and when the picture's has as well; 0 is independent of it.
    """
    values: dict[str, Values] = {}
    for name, mode in MODES.items():
        parts = [
            _shifts(base, questions, heads, slice(start, start + at_once), mode, block)
            for start in range(0, len(questions), at_once)
        ]
        large, reference, both = torch.cat(parts, 1).log2()
        values[name] = {REFERENCE: (reference - large).abs().tolist(), BOTH: (both - large).abs().tolist()}
    return values


def _shifts(base: Base, questions: Questions, heads: Tensor, rows: slice, mode: StrengthMode, block: int) -> Tensor:
    """Return the root mean squares of shifts, (3, B): as it is, with a smaller portrait, with both smaller."""
    picture = Sized(questions.scene.image[rows], heads[rows])
    portrait = Sized(questions.references[rows, 0], questions.heads[rows, 0])
    prompts = [caption.text for caption in questions.scene.captions[rows]]
    cases = ((picture, portrait), (picture, portrait.smaller), (picture.smaller, portrait.smaller))
    return torch.stack([_shift(base, prompts, questions.noise[rows], *case, mode, block) for case in cases])


@torch.no_grad()
def _shift(
    base: Base, prompts: list[str], noise: Tensor, picture: Sized, portrait: Sized, mode: StrengthMode, block: int
) -> Tensor:
    prompted = Prompted.of(base, prompts, Run())
    references = encode_pictures(base, portrait.pictures) / base.latent_scale
    settings = GuidanceSettings(mode=mode, strength=1.0, window=ALWAYS, reference_percent=share_behind(REFERENCE_SIGMA))
    rows = tuple(
        reference_guidance(
            {0: Person(name="", mask=head[None])},
            {0: (ReferencePicture(latent[None], seen),)},
            settings=settings,
            capture=FeatureCapture(block),
        )
        for latent, seen, head in zip(references, portrait.heads, picture.heads, strict=True)
    )
    noisy = (encode_pictures(base, picture.pictures) + SIGMA * noise) / (1 + SIGMA**2) ** 0.5
    run = GuidedRun(prompted, Guided(rows=rows), 1.0)
    run.velocities(noisy, nearest_timestep(SIGMA), SIGMA)
    shift = run.correct(torch.zeros_like(noisy), NoiseLevels(SIGMA))
    inside = shift != 0
    return (shift.square().sum((1, 2, 3)) / inside.sum((1, 2, 3)).clamp(min=1)).sqrt()
