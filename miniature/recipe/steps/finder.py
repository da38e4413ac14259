"""Training of networks that find faces."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ....models.miniature.finder import CELL, FaceFinder
from ....training.batches.draws import Draws
from ...world.scene import Scene
from ...world.world import World
from ..augment import augment
from ..loop import train
from ..train_config import TrainConfig

PEOPLE = (1, 4)
PORTRAITS = 4  # every such picture is a portrait
PLACES = 1.0  # weight of the lengths beside that of the scores
SURE = 8.0  # weight of cells with a face, which are few


def train_finder(finder: FaceFinder, config: TrainConfig, folder: Path) -> None:
    """Train a finder from a seed.

    Args:
        finder: untrained.
        config: how.
        folder: of the checkpoints.

    Raises:
        InvalidSettingError: see `train`.
    """
    world = World(seed=config.seed)

    def loss(draws: Draws) -> Tensor:
        alone = [place for place in draws.positions if place % PORTRAITS == 0]
        others = [place for place in draws.positions if place % PORTRAITS]
        parts = [(alone, world.portraits(alone))] if alone else []
        parts += [(others, world.scenes(others, people=PEOPLE))] if others else []
        seen = [(augment(scene.image, Draws(draws.seed, tuple(rows))), scene) for rows, scene in parts]
        return torch.stack([found_loss(finder(pictures), scene) for pictures, scene in seen]).mean()

    train(config, finder, loss, folder)


def found_loss(said: Tensor, scene: Scene) -> Tensor:
    """How wrong a network is about the faces of pictures.

    Args:
        said: (B, 15, h, w).
        scene: the pictures.

    Returns:
        A scalar: weighted cross entropy of the cells, and the distance of boxes and points where faces are.
    """
    picture, person = scene.present.nonzero(as_tuple=True)
    boxes, points = scene.boxes[picture, person], scene.points[picture, person] + 0.5
    corners = boxes.unflatten(-1, (2, 2))
    middles = corners.mean(1) / CELL
    column, row = (each.long().clamp(0, said.shape[-1] - 1) for each in middles.unbind(-1))
    wanted = torch.zeros_like(said[:, 0])
    wanted[picture, row, column] = 1
    scores = functional.binary_cross_entropy_with_logits(said[:, 0], wanted, weight=1 + SURE * wanted)
    cell = torch.stack((column, row), -1)[:, None] + 0.5
    lengths = torch.cat((corners, points), 1) / CELL - cell
    there = said[picture, 1:, row, column].unflatten(-1, (7, 2))
    return 10 * scores + PLACES * functional.smooth_l1_loss(there, lengths, beta=0.2)
