"""Reference-Based Guidance as a guidance: people's reference features, their masks, and how strongly they pull.

OmniPortrait, section 3.3; the match and the gradient are in `correspondence` and `rb_guidance`, attention's mask in `region_mask`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..errors import InvalidSettingError, require_range
from ..guidance import FeatureReader, FeatureTap, GuidedStep, Pull
from ..masks import to_grid
from ..schedule import SigmaWindow
from .correspondence import nearest, similarity
from .rb_guidance import correction, energy, relative_strength
from .references import ReferencePicture

StrengthMode = Literal["relative", "paper_mean", "paper_sum"]
MOST_POINTS = 1024  # of a reference; more are thinned out evenly
FEATHER = 1  # cells of the latent across which a mask's edge goes from 1 to 0, on either side
INSIDE = 0.5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GuidedPerson:
    """One person who is guided.

    Attributes:
        name: what messages and records call them.
        references: pictures of them; the points of all of them are matched.
        mask: where the person may be, (M, H, W) float, 0–1, of any size; picture i takes mask i modulo M.
        features: of the references' faces, (R, C); None until the model has been asked.
    """

    name: str
    mask: Tensor
    references: tuple[ReferencePicture, ...] = ()
    features: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceSettings:
    """How strongly and when.

    Attributes:
        mode: "relative" moves by a share of what classifier-free guidance does; "paper_mean" and "paper_sum" are Eq. 10
            with the mean or the sum of the similarities.
        strength: s of "relative", 0.15 is moderate; p of the others, 8.5 in the paper; 0–1000.
        window: noise levels at which it acts; the paper's u is 1 minus its start.
        reference_percent: how far the noise on the references has come down, 0–1; the paper's t0 of 671 is 0.329.
        seeds: K, with how much different noise features are read, their mean is taken; 1–64 [choice, as DIFT].

    Raises:
        InvalidSettingError: if a number is out of range.
    """

    mode: StrengthMode = "relative"
    strength: float = 0.15
    window: SigmaWindow
    reference_percent: float = 1 - 671 / 1000
    seeds: int = 4

    def __post_init__(self) -> None:
        require_range("strength", self.strength, 1000)
        require_range("reference_percent", self.reference_percent, 1)
        if not 1 <= self.seeds <= 64:
            raise InvalidSettingError(f"seeds is {self.seeds}; choose 1 to 64.")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ReferenceGuidance:
    """The guidance of some people; see `GradientGuidance` for what a host asks of it.

    Attributes:
        people: whose masks should not overlap; where they do, both pull.
        settings: how strongly and when.
        tap: where features are read.
    """

    people: tuple[GuidedPerson, ...]
    settings: GuidanceSettings
    tap: FeatureTap
    name: str = "Reference-Based Guidance"

    def prepared(self, read: FeatureReader) -> ReferenceGuidance:
        """The same guidance with the features of everybody's references, the mean over several seeds of noise."""
        return replace(self, people=tuple(self._read(person, read) for person in self.people))

    def is_active(self, sigma: float) -> bool:
        """Whether it acts at a noise level."""
        return self.settings.strength > 0 and bool(self.people) and self.settings.window.contains(sigma)

    def pulls(self, step: GuidedStep) -> Sequence[Pull]:
        """Every person's energy, inside their own mask."""
        return [self._pull(person, step) for person in self.people]

    def correct(self, denoised: Tensor, gradient: Tensor, guidance: Tensor | None, sigma: float) -> Tensor:
        """The guided denoised latent, see `rb_guidance.correction`."""
        strength: float | Tensor = self.settings.strength
        if self.settings.mode == "relative":
            strength = relative_strength(gradient, guidance, sigma, share=self.settings.strength)
            strength = strength.to(denoised)
        return correction(denoised, gradient, sigma, strength=strength)

    def _read(self, person: GuidedPerson, read: FeatureReader) -> GuidedPerson:
        if person.features is not None:
            return person
        points: list[Tensor] = []
        for picture in person.references:
            seen = [read(picture.latent, self.settings.reference_percent, seed) for seed in range(self.settings.seeds)]
            points.append(face_features(torch.stack([each.float() for each in seen]).mean(0), picture.mask))
        return replace(person, features=torch.cat(points))

    def _pull(self, person: GuidedPerson, step: GuidedStep) -> Pull:
        rows, grid = len(step.features), (step.features.shape[-2], step.features.shape[-1])
        masks = to_grid(person.mask.to(step.features.device), grid)  # (M, h·w)
        if person.features is None:
            raise InvalidSettingError(f'The features of "{person.name}" were not read; prepare the guidance first.')
        reference = person.features.to(step.features.device).clone()  # a graph may hold it, wherever it was made
        energies: list[Tensor] = []
        likeness: list[Tensor] = []
        for row in range(rows):
            inside = masks[row % len(masks)] > INSIDE
            generated = step.features[row].flatten(1).T[inside].float()  # (G, C)
            if not len(generated):
                nothing = step.features.new_zeros((), dtype=torch.float32)
                energies.append(nothing)
                likeness.append(nothing)
                continue
            found = generated[nearest(reference, generated.detach())]
            reduction = "sum" if self.settings.mode == "paper_sum" else "mean"
            energies.append(energy(reference, found, reduction=reduction))
            likeness.append(similarity(reference, found.detach()).mean())
        return Pull(
            torch.stack(energies),
            feathered(person.mask, step.size, rows).to(step.features.device),
            torch.stack(likeness),
        )


def face_features(features: Tensor, mask: Tensor) -> Tensor:
    """The features inside a reference's mask.

    Args:
        features: of the reference picture, (C, h, w).
        mask: of its face, (H, W), 0–1, of any size.

    Returns:
        (R, C) float32, at most 1024 of them.

    Raises:
        InvalidSettingError: if the mask holds no position.
    """
    inside = to_grid(mask[None].to(features.device), (features.shape[-2], features.shape[-1]))[0] > INSIDE
    points = features.flatten(1).T[inside].float()
    if not len(points):
        raise InvalidSettingError(
            "The mask of a reference's face is smaller than one position of the features; use a larger mask or a closer crop."
        )
    step = -(-len(points) // MOST_POINTS)
    return points[::step]


def feathered(mask: Tensor, size: tuple[int, int], rows: int) -> Tensor:
    """A mask at the size of a latent with soft edges; 0 farther out than one cell.

    Args:
        mask: (M, H, W), 0–1, of any size.
        size: (h, w) of the latent.
        rows: B.

    Returns:
        (B, 1, h, w) float32; row i takes mask i modulo M.
    """
    hard = (to_grid(mask, size) > INSIDE).float().unflatten(1, size)[:, None]
    side = 2 * FEATHER + 1
    soft = avg_pool2d(hard, side, stride=1, padding=FEATHER, count_include_pad=False)
    return soft[torch.arange(rows) % len(soft)]
