"""A kit without weights: people are colours, a picture shows a square of everybody side by side, a face is a square."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from likeness.evaluation.hosts.host import Host, Wanted
from likeness.evaluation.kit import Kit
from likeness.evaluation.metrics.faces import BLENDING, FACE_SIMILARITY
from likeness.evaluation.metrics.metric import VALUE, MetricKind, Shown
from likeness.evaluation.metrics.networks import Loader, Networks
from likeness.evaluation.protocol.file import Protocol, read_protocol
from likeness.evaluation.protocol.sections import DrawingConfig, MetricConfig, PicturesConfig
from likeness.evaluation.protocol.weights import WeightsFile
from likeness.models.config.types import Count, NewPath
from likeness.models.face.types import Detection, Face
from PIL import Image
from torch import Tensor

SIDE = 64
HOME = __name__
COLOURS = {"ada": (200, 60, 40), "ben": (40, 180, 70), "cleo": (50, 70, 210)}


@dataclass(frozen=True)
class Squares:
    """Every square of a picture as high as it is a face, unless it is black; the surest is the brightest."""

    key: str = "squares"

    def find(self, pictures: Sequence[np.ndarray]) -> Iterable[list[Detection]]:
        for picture in pictures:
            side = picture.shape[0]
            boxes = [(x, 0, x + side, side) for x in range(0, picture.shape[1] - side + 1, side)]
            found = [_detection(picture, box) for box in boxes]
            yield sorted((each for each in found if each.score > 0), key=lambda each: -each.score)

    def at_size(self, size: int) -> Squares:
        return self


def _detection(picture: np.ndarray, box: tuple[int, int, int, int]) -> Detection:
    x, _, end, side = box
    points = np.float32([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.7], [0.65, 0.7]]) * side + np.float32([x, 0])
    return Detection(np.float32(box), points, float(picture[:, x:end].mean()) / 255)


@dataclass(frozen=True)
class Colours:
    """The mean colour of a face, less grey."""

    key: str = "colours"
    width: int = 3

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        rows = []
        for face, picture in zip(faces, pictures, strict=True):
            x0, y0, x1, y1 = face.box.astype(int)
            rows.append(picture[y0:y1, x0:x1].reshape(-1, 3).mean(0) - 100)
        return torch.tensor(np.array(rows), dtype=torch.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class SquaresConfig(DrawingConfig):
    log: Annotated[NewPath | None, "a line is added for every picture that is drawn"] = None
    dies_after: Annotated[Count | None, "pictures, then the process is killed"] = None


class Painter:
    """Paints people's colours, with noise of the seed; a `Drawer`."""

    key = "painter"

    def __init__(self, config: SquaresConfig, networks: Networks) -> None:
        self.config, self.drawn = config, 0

    def draw(self, wanted: Wanted, pictures: PicturesConfig) -> np.ndarray:
        if self.config.log is not None:
            with self.config.log.open("a", encoding="utf-8") as stream:
                stream.write(f"{wanted.file}\n")
        if self.drawn == self.config.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)
        self.drawn += 1
        noise = np.random.default_rng([wanted.seed, *wanted.prompt.encode()])
        squares = [np.asarray(Image.open(person.photos[0])) for person in wanted.people]
        values = np.hstack(squares) + noise.normal(0, 40, 3) + noise.normal(0, 5, (SIDE, SIDE * len(squares), 3))
        return values.clip(0, 255).astype(np.uint8)


class Brightness:
    key = "brightness"

    def measure(self, shown: Shown) -> Mapping[str, float]:
        return {VALUE: float(shown.picture.mean()), "letters": float(len(shown.prompt))}


class Distance:
    key = "distance"

    def measure_all(self, pictures: Iterable[np.ndarray], photos: Iterable[np.ndarray]) -> Mapping[str, float]:
        first, second = (np.mean([each.mean() for each in some]) for some in (pictures, photos))
        return {VALUE: float(abs(first - second))}


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedConfig(MetricConfig):
    weights: Annotated[WeightsFile, "of nothing"]


KIT = Kit(
    hosts={"painter": Host(SquaresConfig, Painter)},
    metrics={
        "face_similarity": FACE_SIMILARITY,
        "blending": BLENDING,
        "brightness": MetricKind(section=MetricConfig, make=lambda config, networks: Brightness()),
        "distance": MetricKind(
            section=MetricConfig, make=lambda config, networks: Distance(), better="lower", is_of_set=True
        ),
        "weighed": MetricKind(section=WeighedConfig, make=lambda config, networks: Brightness(), most_people=1),
    },
    networks=Networks(
        recognisers={
            "colours": Loader(lambda weights: Colours()),
            "heavy": Loader(lambda weights: Colours(), "heavy.onnx"),
        },
        detectors={
            "squares": Loader(lambda weights: Squares()),
            "carried": Loader(lambda _: Squares(), takes_file=False),
        },
    ),
)


def write_people(folder: Path, names: Sequence[str] = tuple(COLOURS)) -> Path:
    """A folder with a photo of everybody."""
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (SIDE, SIDE), COLOURS[name]).save(folder / name / "photo.png")
    return folder


FACES = 'recogniser = "colours"\ndetector = "squares"\n'
BASIC = {
    "protocol": 'name = "Colours"\noutput = "run"\n',
    "people": 'folder = "people"\n',
    "people.nouns": 'ada = "woman"\nben = "man"\n',
    "prompts": 'texts = ["a {1} on the beach", "a {1}"]\n',
    "pictures": "seeds = [0, 1]\n",
    "drawing": 'host = "painter"\n',
    "[metric]": f'kind = "face_similarity"\n{FACES}',
}


def write(
    folder: Path, changes: Mapping[str, str | None] | None = None, *, more: str = "", name: str = "p.toml"
) -> Path:
    """A protocol with some sections replaced or left out, and more at its end; people are beside it."""
    write_people(folder / "people")
    sections = {**BASIC, **(changes or {})}
    text = "".join(f"[{section}]\n{lines}" for section, lines in sections.items() if lines is not None)
    path = folder / name
    path.write_text(text + more, encoding="utf-8")
    return path


def protocol_of(folder: Path, changes: Mapping[str, str | None] | None = None, *, more: str = "") -> Protocol:
    return read_protocol(write(folder, changes, more=more), KIT)
