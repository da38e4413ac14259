"""Training of the judge's readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ....training.batches.draws import Draws
from ...judge.readers import Reader, person_windows, whole_pictures
from ...world.people.identity import ATTRIBUTES
from ...world.scene import Scene
from ...world.styles import STYLES, Style, restyle
from ...world.world import World
from ..augment import augment
from ..loop import train
from ..train_config import TrainConfig

Answers = Callable[[Scene], dict[str, Tensor]]

PEOPLE = (1, 4)
PORTRAITS = 3  # every such picture is a portrait
JITTER = (
    0.06  # how far a face may be taken from where it is, of the distance between eyes and mouth, standard deviation
)


def train_person_reader(reader: Reader, config: TrainConfig, folder: Path, *, is_styled: bool = False) -> None:
    """Train the reader of persons from a seed, in all styles or on flat pictures alone; raises as `train`."""
    _train_on_windows(reader, person_answers, config, folder, is_styled=is_styled)


def train_expression_reader(reader: Reader, config: TrainConfig, folder: Path) -> None:
    """Train the reader of expressions from a seed; raises as `train`."""
    _train_on_windows(
        reader, lambda scene: {"opening": (scene.plan.pose.opening[scene.present] > 0).long()}, config, folder
    )


def train_backdrop_reader(reader: Reader, config: TrainConfig, folder: Path) -> None:
    """Train the reader of backdrops from a seed; raises as `train`."""
    world = World(seed=config.seed)

    def loss(draws: Draws) -> Tensor:
        scene = world.scenes(draws.positions, people=PEOPLE)
        said = reader(whole_pictures(augment(scene.image, draws)))
        return _cross_entropy(said, {"pattern": scene.facts.pattern, "tint": scene.facts.tint})

    train(config, reader, loss, folder)


def train_styled_backdrop_reader(reader: Reader, config: TrainConfig, folder: Path) -> None:
    """Train the reader of backdrops and styles from a seed; raises as `train`."""
    world = World(seed=config.seed)

    def loss(draws: Draws) -> Tensor:
        scene, styles = world.scenes(draws.positions, people=PEOPLE), draw_styles(draws)
        said = reader(whole_pictures(augment(restyle(scene.image, names_of(styles)), draws)))
        return _cross_entropy(said, {"pattern": scene.facts.pattern, "tint": scene.facts.tint, "style": styles})

    train(config, reader, loss, folder)


def draw_styles(draws: Draws) -> Tensor:
    """Return a style for each row, by its place in `STYLES`, (B,) int64."""
    return draws.integers("style", len(STYLES))


def names_of(styles: Tensor) -> list[Style]:
    """Return styles by name."""
    return [STYLES[place] for place in styles.tolist()]


def person_answers(scene: Scene) -> dict[str, Tensor]:
    """Return what is true of everybody who is there, by question, (F,)."""
    there = scene.present
    codes = dict(zip((each.name for each in ATTRIBUTES), scene.codes[there].unbind(-1), strict=True))
    return codes | {"clothing": scene.facts.clothing[there], "accessory": scene.facts.accessory[there]}


def _train_on_windows(
    reader: Reader, answers: Answers, config: TrainConfig, folder: Path, *, is_styled: bool = False
) -> None:
    world = World(seed=config.seed)

    def drawn(scene: Scene, draws: Draws) -> Scene:
        return replace(scene, image=restyle(scene.image, names_of(draw_styles(draws)))) if is_styled else scene

    def loss(draws: Draws) -> Tensor:
        scene = world.scenes(draws.positions, people=PEOPLE)
        losses = [_window_loss(reader, answers, drawn(scene, draws), draws)]
        alone = [place for place in draws.positions if place % PORTRAITS == 0]
        if alone:
            rows = Draws(draws.seed, tuple(alone))
            losses.append(_window_loss(reader, answers, drawn(world.portraits(alone), rows), rows))
        return torch.stack(losses).mean()

    train(config, reader, loss, folder)


def _window_loss(reader: Reader, answers: Answers, scene: Scene, draws: Draws) -> Tensor:
    picture, person = scene.present.nonzero(as_tuple=True)
    points = scene.points[picture, person]
    size = (points[:, 3:].mean(1) - points[:, :2].mean(1)).norm(dim=-1)[:, None, None]
    shifts = draws.normal("amiss", (scene.points.shape[1], 5, 2))[picture, person]
    windows = person_windows(augment(scene.image, draws)[picture], points + JITTER * size * shifts)
    return _cross_entropy(reader(windows), answers(scene))


def _cross_entropy(said: dict[str, Tensor], true: dict[str, Tensor]) -> Tensor:
    """Return the mean of all questions, each as a share of what a guess would cost."""
    costs = [
        functional.cross_entropy(logits, true[name]) / torch.tensor(float(logits.shape[1])).log()
        for name, logits in said.items()
    ]
    return torch.stack(costs).mean()
