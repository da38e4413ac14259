"""The gate before OmniPortrait's experiments: do the base's features know which part of a face is which?

Guidance pulls at matches of nearest features. Where these do not lead from an eye to an eye, its experiments say nothing about
the method, so their verdicts become "not interpretable". The measure is PCK, the share of correct keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ...diffusers_host.base import Base
from ...diffusers_host.feature_capture import ReachedError, capture_features
from ...diffusers_host.noise_levels import nearest_timestep
from ...diffusers_host.prompted import Prompted
from ...models.omniportrait.correspondence import nearest
from ...models.port.attention import Run
from ...models.port.guidance import FeatureCapture
from ...training.batches.draws import Draws
from ..recipe.latents import encode_pictures
from ..world.captions import Caption
from ..world.scene import Scene
from ..world.world import World
from .questions import LATENTS

SEED = 2_000_003  # of the world in which settings are chosen; the questions are about another one
# Chosen there, over 96 pairs: most matches are right here, .675; blindly it would be .202. The paper's t0 = 671 is σ 2.98 on
# latents of 64² and more; a noise level as destructive on 16² is about a quarter of it.
BLOCK, REFERENCE_SIGMA = 4, 1.05
GATE = 0.6
REACH = 1.0  # cells of the latent within which a match is right
BLOCKS = (1, 3, 4)
SIGMAS = (0.3, 0.57, 0.74, 1.05, 1.5, 2.28, 2.98)
NOISES = 4  # of which the mean features are taken, as guidance does
ROWS = 16  # pictures at once
MIRRORED = (1, 0, 2, 4, 3)  # points of a face by the places of those on the other side


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pairs:
    """Two drawings of the same people, at other places, larger or smaller, in other light.

    Attributes:
        portraits: what guidance matches with, one person each.
        scenes: one person each.
        others: the same people in further scenes.
    """

    portraits: Scene
    scenes: Scene
    others: Scene


@dataclass(frozen=True, slots=True)
class Matches:
    """How many matches were right, 0–1 each, over eyes, nose and corners of the mouth.

    Attributes:
        block: output block.
        sigma: noise level.
        portraits: from portraits to scenes: eyes to an eye, corners of the mouth to a corner of the mouth, nose to nose.
        same_side: left to left and right to right as well.
        scenes: as `portraits`, from scenes to scenes.
        chance: as `portraits`, if a place of the face were picked blindly.
    """

    block: int
    sigma: float
    portraits: float
    same_side: float
    scenes: float
    chance: float


def new_pairs(count: int, seed: int = SEED) -> Pairs:
    """Return so many pairs, of people whom no network has seen."""
    world = World(seed=seed, split="held out")
    scenes = world.scenes(range(count))
    others = world.scenes(range(count, 2 * count), codes=scenes.codes)
    return Pairs(portraits=world.portraits(range(count)), scenes=scenes, others=others)


def passes(gate: Sequence[Matches], block: int = BLOCK, sigma: float = REFERENCE_SIGMA) -> bool:
    """Whether features match well enough at the output block and the noise level that guidance uses."""
    [used] = [each for each in gate if (each.block, each.sigma) == (block, sigma)]
    return used.portraits >= GATE


def match(base: Base, pairs: Pairs, block: int, sigma: float) -> Matches:
    """Return how often the nearest feature of a part of one face is that part of the other.

    Args:
        base: whose features.
        pairs: of faces.
        block: output block.
        sigma: noise level of both pictures.
    """
    captions = pairs.scenes.captions
    target = _features(base, pairs.scenes, captions, block, sigma, place=0)
    portraits, scenes = (
        _hits(_features(base, scene, captions, block, sigma, place=place), target, scene, pairs.scenes)
        for place, scene in enumerate((pairs.portraits, pairs.others), 1)
    )
    return Matches(block, sigma, portraits[0], portraits[1], scenes[0], portraits[2])


@torch.no_grad()
def _features(base: Base, scene: Scene, captions: Sequence[Caption], block: int, sigma: float, *, place: int) -> Tensor:
    """Return the mean features of noised pictures with the scenes' captions, (P, C, h, w); `place` picks the noise."""
    parts: list[Tensor] = []
    for start in range(0, len(captions), ROWS):
        rows = slice(start, start + ROWS)
        latents = encode_pictures(base, scene.image[rows])
        prompted = Prompted.of(base, [caption.text for caption in captions[rows]], Run())
        seen: list[Tensor] = []
        for number in range(NOISES):
            draws = Draws(SEED, tuple(range(start, start + len(latents))))
            noise = draws.normal(f"noise {place} {number}", tuple(latents.shape[1:]))
            noisy = (latents + noise * sigma) / (1 + sigma**2) ** 0.5
            with capture_features(base.unet, FeatureCapture(block), is_all=True) as captured, suppress(ReachedError):
                prompted.positive(noisy, nearest_timestep(sigma), sigma)
            seen.append(captured.features)
        parts.append(torch.stack(seen).mean(0))
    return torch.cat(parts)


def _hits(first: Tensor, second: Tensor, of_first: Scene, of_second: Scene) -> tuple[float, float, float]:
    """Return the shares of matches within reach of the part on either side, on the same side, and of blind matches."""
    side, size = first.shape[-1], of_first.image.shape[-1]
    found: list[Tensor] = []
    for row in range(len(first)):
        inside = adaptive_avg_pool2d(of_second.faces[row, :1], side)[0] >= 0.5
        middles = (inside.nonzero().flip(-1) + 0.5) * size / side  # (G, 2), x and y in pixels
        places = ((of_first.points[row, 0] + 0.5) * side / size).long().clamp(0, side - 1)
        matched = nearest(first[row][:, places[:, 1], places[:, 0]].T, second[row][:, inside].T)
        same = torch.cdist(of_second.points[row, 0] + 0.5, middles) <= REACH * size / LATENTS  # (5, G)
        either = same | same[list(MIRRORED)]
        hits = (part.gather(1, matched[:, None]).float().mean() for part in (either, same))
        found.append(torch.stack([*hits, either.float().mean()]))
    either, same, blind = torch.stack(found).mean(0).tolist()
    return either, same, blind
