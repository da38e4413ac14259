"""Training of the face backbone: it learns to tell who somebody is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ....models.face.alignment import CROP_SIZE, align
from ....models.face.iresnet import IResNet
from ....models.images.layout import arrays_from_images
from ....models.uniportrait.encode import backbone_input, preprocess
from ....training.batches.draws import Draws
from ...world.people.identity import SIZES
from ...world.scene import Scene
from ...world.world import World
from ..augment import augment
from ..loop import train
from ..train_config import TrainConfig

PEOPLE = (1, 2)
STEM = 16
STAGES = ((16, 1), (32, 1), (64, 1), (96, 1))  # channels and blocks
JITTER = 0.03  # how far points are from where they are, of the distance between the eyes, standard deviation


def new_backbone() -> IResNet:
    """Return an untrained backbone."""
    return IResNet(STEM, STAGES)


def train_backbone(backbone: IResNet, config: TrainConfig, folder: Path) -> None:
    """Train a backbone from a seed to read attributes off the mean of its deepest map.

    Args:
        backbone: untrained.
        config: how; without an average, which would not have the statistics of the batch norms.
        folder: of the checkpoints.

    Raises:
        InvalidSettingError: see `train`.
    """
    world = World(seed=config.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        answers = nn.Linear(backbone.tap_channels[-1], sum(SIZES))

    def loss(draws: Draws) -> Tensor:
        crops, codes = augmented_crops(world, draws)
        deepest = backbone(backbone_input(preprocess(crops)))[-1]
        said = answers(deepest.mean((2, 3))).split(SIZES, -1)
        costs = [functional.cross_entropy(logits, true) for logits, true in zip(said, codes.unbind(-1), strict=True)]
        return torch.stack(costs).mean()

    train(config, nn.ModuleDict({"backbone": backbone, "answers": answers}), loss, folder)


def augmented_crops(world: World, draws: Draws) -> tuple[np.ndarray, Tensor]:
    """Return crops of faces, half of them from portraits.

    Args:
        world: draws.
        draws: a row for each picture.

    Returns:
        (F, 224, 224, 3) uint8 and who they are, (F, 7).
    """
    half = len(draws.positions) // 2
    portraits, scenes = draws.positions[:half], draws.positions[half:]
    parts = (
        (world.portraits(portraits), Draws(draws.seed, portraits)),
        (
            world.scenes(scenes, people=PEOPLE),
            Draws(draws.seed, scenes),
        ),
    )
    crops = np.concatenate([cut_faces(scene, rows) for scene, rows in parts])
    return crops, torch.cat([scene.codes[scene.present] for scene, _ in parts])


def cut_faces(scene: Scene, draws: Draws) -> np.ndarray:
    """Cut out everybody's face in augmented pictures, as a detector that is a little amiss would.

    Args:
        scene: the pictures.
        draws: a row for each picture.

    Returns:
        (F, 224, 224, 3) uint8, those of the first picture first.
    """
    picture, person = scene.present.nonzero(as_tuple=True)
    points = scene.points[picture, person]
    apart = (points[:, 1] - points[:, 0]).norm(dim=-1)[:, None, None]
    points = points + JITTER * apart * draws.normal("amiss", (scene.points.shape[1], 5, 2))[picture, person]
    pixels = arrays_from_images(augment(scene.image, draws).permute(0, 2, 3, 1))
    return np.stack(
        [align(pixels[number], each.double().numpy(), CROP_SIZE) for number, each in zip(picture, points, strict=True)]
    )
