"""Training of the face parser."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ....models.face.parsing import LABELS, PARSING_MEAN, PARSING_STD
from ....models.face.region_masks import TRUE_NAMES
from ....models.miniature.parser import SIDE, MiniatureParser
from ....training.batches.draws import Draws
from ...world.regions import Region
from ...world.scene import Scene
from ...world.world import World
from ..augment import augment
from ..loop import train
from ..train_config import TrainConfig

PORTRAITS = 2  # every other picture is a portrait
NEAREST, FARTHEST = 1.5, 4.0  # side of what is cut out around a face, in face sizes
SMALL = 4.0  # weight of a pixel of a small region
_NAMES = {
    Region.OTHER: "clothes",
    Region.LEFT_BROW: "left_eyebrow",
    Region.RIGHT_BROW: "right_eyebrow",
    Region.GLASSES: "eyeglasses",
}
LABEL_OF = torch.tensor([TRUE_NAMES.index(_NAMES.get(region, region.name.lower())) for region in Region])
LARGE = ("background", "skin", "hair", "neck", "clothes", "hat")
WEIGHTS = torch.tensor([1.0 if name in LARGE else SMALL for name in TRUE_NAMES])


def train_parser(parser: MiniatureParser, config: TrainConfig, folder: Path) -> None:
    """Train a parser from a seed on the surroundings of faces.

    Args:
        parser: untrained.
        config: how.
        folder: of the checkpoints.

    Raises:
        InvalidSettingError: see `train`.
    """
    world = World(seed=config.seed, with_regions=True)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (PARSING_MEAN, PARSING_STD))

    def loss(draws: Draws) -> Tensor:
        alone = [place for place in draws.positions if place % PORTRAITS == 0]
        others = [place for place in draws.positions if place % PORTRAITS]
        seen = [(world.portraits(alone), alone)] if alone else []
        seen += [(world.scenes(others), others)] if others else []
        losses: list[Tensor] = []
        for scene, rows in seen:
            own = Draws(draws.seed, tuple(rows))
            pixels, labels = _surroundings(augment(scene.image, own), label_maps(scene), scene.boxes[:, 0], own)
            [scores] = parser((pixels - mean) / std)
            losses.append(functional.cross_entropy(scores, labels, WEIGHTS))
        return torch.stack(losses).mean()

    train(config, parser, loss, folder)


def label_maps(scene: Scene) -> Tensor:
    """The label of every pixel, an index of `models.face.parsing.LABELS`, (B, S, S) int64."""
    regions = scene.class_maps()
    shown = torch.where(scene.instances >= 0.5, LABEL_OF[regions.long()], 0)
    return shown.amax(1)  # people cover different pixels


def _surroundings(pictures: Tensor, labels: Tensor, boxes: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """Squares around faces, of random size and a little beside, as pictures (B, 3, S, S) and labels (B, S, S)."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    longest = sizes.amax(-1)
    sides = longest * (NEAREST + (FARTHEST - NEAREST) * draws.uniform("side"))
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2 + longest[:, None] * 0.25 * draws.normal("beside", (2,)).clamp(-2, 2)
    size = pictures.shape[-1]
    theta = torch.zeros(len(pictures), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = sides / size
    theta[:, :, 2] = 2 * middles / size - 1
    grid = functional.affine_grid(theta, [len(pictures), 3, SIDE, SIDE], align_corners=False)
    cut = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    found = functional.grid_sample(labels[:, None].float(), grid, "nearest", "border", align_corners=False)
    return cut, found[:, 0].round().long().clamp(max=len(LABELS) - 1)
