"""Reference-Based Guidance as a guidance: people's reference features, where the people are, and how they pull.

OmniPortrait, section 3.3; the match and the gradient are in `correspondence` and `rb_guidance`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d

from ..errors import InvalidSettingError
from ..placement.masks import to_grid
from ..port.guidance import FeatureCapture, FeatureReader, GuidedStep, NoiseLevels, Pull
from .correspondence import nearest, similarity
from .feature_store import FEATURES, FeatureStore
from .guidance_settings import GuidanceSettings
from .guided_person import GuidedPerson, MaskSource, ReferencePicture
from .rb_guidance import Reduction, correction, energy, relative_strength, weighted_mean

MOST_POINTS = 1024  # of a reference whose similarities are averaged; more are thinned out evenly
INSIDE = 0.5
FURTHEST = 16.0  # of "x0_only": the factor near the end of a run
FEATHER = 1  # cells of the latent across which a mask's edge goes from 1 to 0, on either side


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ReferenceGuidance:
    """The guidance of some people; see `GradientGuidance` for what a host asks of it.

    Attributes:
        people: who are guided; where masks overlap, the place is the first claimant's.
        settings: how strongly and when.
        capture: where features are read.
        source: finds those who have no mask; None where everybody has one.
        store: remembers what was read of references.
    """

    people: tuple[GuidedPerson, ...]
    settings: GuidanceSettings
    capture: FeatureCapture
    source: MaskSource | None = None
    store: FeatureStore = FEATURES
    name: str = "Reference-Based Guidance"

    def __post_init__(self) -> None:
        without = [person.name for person in self.people if person.mask is None]
        if without and self.source is None:
            raise InvalidSettingError(
                f'Nothing says where "{without[0]}" is; give a mask, or choose how faces are found.'
            )

    @property
    def every(self) -> int:
        """See `GuidanceSettings`."""
        return self.settings.every

    @property
    def wants_attention(self) -> bool:
        """Whether the masks are made of attention."""
        return self.source is not None and self.source.wants_attention

    def prepare(self, read: FeatureReader) -> ReferenceGuidance:
        """The same guidance with the features of everybody's references, the mean over several seeds of noise."""
        return replace(self, people=tuple(self._read(person, read.of(person.place)) for person in self.people))

    def is_active(self, sigma: float) -> bool:
        """Whether it acts at a noise level, on anybody."""
        return self.settings.strength > 0 and self.settings.window.contains(sigma) and self._unit(sigma) > 0

    def pulls(self, step: GuidedStep) -> Sequence[Pull]:
        """Every person's energy and where it acts."""
        masks = disjoint_masks(self._masks(step))
        unit = self._unit(step.sigma) or 1.0
        pulls = [
            _scale(self._pull(person, mask, step), person.strength_at(step.sigma) / unit)
            for person, mask in zip(self.people, masks, strict=True)
        ]
        if not self.settings.keeps_background:
            found = [torch.stack([mask.flatten(1).any(1) for mask in masks]).any(0)] * len(masks)
            pulls = [
                replace(pull, mask=there.float()[:, None, None, None].expand_as(pull.mask))
                for pull, there in zip(pulls, found, strict=True)
            ]
        return _together(pulls) if self.settings.together else pulls

    def correct(self, denoised: Tensor, gradient: Tensor, guidance: Tensor | None, levels: NoiseLevels) -> Tensor:
        """The guided denoised latent, see `rb_guidance.correction`."""
        strength: float | Tensor = self.settings.strength * self._unit(levels.current)
        if self.settings.mode == "relative":
            strength = relative_strength(gradient, guidance, levels.current, share=strength).to(denoised)
        if self.settings.step_mode == "x0_only":
            # the sampler goes on with eps = (x − D) / σ, of which a step keeps (σ − σ') / σ
            kept = max(1 - levels.following / levels.current, 1 / FURTHEST)
            strength = strength / kept
        return correction(denoised, gradient, levels.current, strength=strength)

    @property
    def _reduction(self) -> Reduction:
        """How similarities become one number."""
        return "sum" if self.settings.mode == "paper_sum" else "mean"

    def _unit(self, sigma: float) -> float:
        """The strength of those who act at a noise level, their root mean square; 0 where nobody does.

        "relative" measures the gradient of all people together, which must not take out how strong they are.
        """
        squares = [person.strength_at(sigma) ** 2 for person in self.people if person.strength_at(sigma) > 0]
        return math.sqrt(sum(squares) / len(squares)) if squares else 0.0

    def _masks(self, step: GuidedStep) -> Tensor:
        """Soft masks of everybody at the latent's size, (N, B, H, W)."""
        pictures = torch.tensor(range(len(step.features)) if step.pictures is None else step.pictures)
        unknown = [person for person in self.people if person.mask is None]
        found: dict[int, Tensor] = {}
        if self.source is not None and unknown:
            for person, mask in zip(unknown, self.source.find(unknown, step), strict=True):
                found[id(person)] = to_grid(mask, step.size)
        masks: list[Tensor] = []
        for person in self.people:
            mask = found[id(person)] if person.mask is None else to_grid(person.mask, step.size)
            rows = torch.arange(len(pictures)) if person.mask is None else pictures
            masks.append(mask[rows % len(mask)].unflatten(1, step.size).to(step.features.device))
        return torch.stack(masks)

    def _read(self, person: GuidedPerson, read: FeatureReader) -> GuidedPerson:
        if person.features is not None:
            return person
        percent, seeds = self.settings.reference_percent, self.settings.seeds
        most = None if self._reduction == "sum" else MOST_POINTS

        def points(picture: ReferencePicture) -> Tensor:
            seen = torch.stack([read(picture.latent, percent, seed).float() for seed in range(seeds)])
            return face_features(seen.mean(0), picture.mask, most=most)

        way = (read.key, percent, seeds, most)
        found = [
            self.store.remember(read.network, way, picture, partial(points, picture)) for picture in person.references
        ]
        return replace(person, features=torch.cat(found), weights=_weights(person.references, found))

    def _pull(self, person: GuidedPerson, mask: Tensor, step: GuidedStep) -> Pull:
        """The energy of somebody in their mask (B, H, W) bool."""
        if person.features is None:
            raise InvalidSettingError(f'The features of "{person.name}" were not read; prepare the guidance first.')
        reference = person.features.to(step.features.device).clone()  # a graph may hold it, wherever it was made
        weights = None if person.weights is None else person.weights.to(step.features.device).clone()
        inside = positions_inside(mask, (step.features.shape[-2], step.features.shape[-1]))
        energies: list[Tensor] = []
        likeness: list[Tensor] = []
        for row, features in enumerate(step.features):
            generated = features.flatten(1).T[inside[row]].float()  # (G, C)
            if not len(generated):
                energies.append(features.new_zeros((), dtype=torch.float32))
                likeness.append(features.new_full((), torch.nan, dtype=torch.float32))
                continue
            found = generated[nearest(reference, generated.detach())]
            energies.append(energy(reference, found, reduction=self._reduction, weights=weights))
            likeness.append(weighted_mean(similarity(reference, found.detach()), weights))
        return Pull(person.name, torch.stack(energies), feather(mask), torch.stack(likeness))


def face_features(features: Tensor, mask: Tensor, *, most: int | None = MOST_POINTS) -> Tensor:
    """The features inside a reference's mask.

    Args:
        features: of the reference picture, (C, h, w).
        mask: of its face, (H, W), 0–1, of any size.
        most: how many; of more, every second, third … stays. A mean of similarities hardly sees it, a sum does, so that for
            one all stay: None.

    Returns:
        (R, C) float32.

    Raises:
        InvalidSettingError: if the mask holds no position.
    """
    inside = to_grid(mask[None].to(features.device), (features.shape[-2], features.shape[-1]))[0] > INSIDE
    points = features.flatten(1).T[inside].float()
    if not len(points):
        raise InvalidSettingError(
            "The mask of a reference's face is smaller than one position of the features; use a larger mask or a closer crop."
        )
    return points if most is None else points[:: -(-len(points) // most)]


def _weights(pictures: Sequence[ReferencePicture], features: Sequence[Tensor]) -> Tensor | None:
    """The weights of some pictures' features, (R,); None where all count alike."""
    if len({picture.weight for picture in pictures}) < 2:
        return None
    return torch.cat(
        [torch.full((len(points),), picture.weight) for picture, points in zip(pictures, features, strict=True)]
    )


def _scale(pull: Pull, strength: float) -> Pull:
    """A pull whose energy is a multiple; without a gradient for 0."""
    if strength == 1:
        return pull
    return replace(pull, energy=pull.energy * strength if strength else pull.energy.detach())


def _together(pulls: Sequence[Pull]) -> list[Pull]:
    """One pull of everybody's energies inside all masks, and what the others were, for the record, without energy."""
    everywhere = torch.stack([pull.mask for pull in pulls]).amax(0)
    whole = replace(pulls[0], energy=torch.stack([pull.energy for pull in pulls]).sum(0), mask=everywhere)
    return [whole, *(replace(pull, energy=pull.energy.detach()) for pull in pulls[1:])]


def disjoint_masks(soft: Tensor) -> Tensor:
    """Masks of people that do not overlap: a place that several claim goes to the highest claim, of equal ones to the first.

    Args:
        soft: claims, (N, B, H, W), above 0.5 inside.

    Returns:
        (N, B, H, W) bool.
    """
    claimed = soft > INSIDE
    owner = soft.masked_fill(~claimed, -torch.inf).argmax(0)
    return claimed & (torch.arange(len(soft), device=soft.device)[:, None, None, None] == owner)


def positions_inside(mask: Tensor, grid: tuple[int, int]) -> Tensor:
    """The positions of a coarser grid that are for the most part inside a mask; where none is, those that are touched by it.

    Args:
        mask: (B, H, W) bool.
        grid: (h, w).

    Returns:
        (B, h·w) bool, row-major.
    """
    filled = mask.float()[:, None]
    mostly = adaptive_avg_pool2d(filled, grid).flatten(1) >= INSIDE
    touched = adaptive_max_pool2d(filled, grid).flatten(1) > 0
    return torch.where(mostly.any(1, keepdim=True), mostly, touched)


def feather(mask: Tensor) -> Tensor:
    """A mask (B, H, W) bool with soft edges, 0 farther out than one cell, (B, 1, H, W) float32."""
    side = 2 * FEATHER + 1
    return avg_pool2d(mask.float()[:, None], side, stride=1, padding=FEATHER, count_include_pad=False)
