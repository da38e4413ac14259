"""What the demo draws: two people, two sentences, and every way to draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...miniature.judge.judge import Judge
from ...miniature.world.people.identity import NOUNS
from ...miniature.world.styles import Style, restyle
from ...miniature.world.world import World
from ...models.errors import NoFaceFoundError
from ...models.images.layout import arrays_from_images, images_from_arrays

# Nobody whom a network of the miniature has seen: face, skin, hair colour, hair, eyes, mole and mouth by their codes.
PEOPLE = ((0, 4, 0, 3, 1, 0, 1), (2, 1, 4, 2, 2, 3, 0))
PORTRAITS_SEED = 5
ONE = "a {first} in a red shirt in front of blue and orange waves"
TWO = (
    "a {first} in a red shirt on the left and a {second} in a green shirt on the right, against white and grey stripes"
)
SIZE = 128  # pixels
SEED = 7
STYLED: tuple[tuple[int, int], ...] = ((1, 1), (2, 2))  # of the pictures of style: number and people in each
STYLES_SEED = 1_000_004
STYLE: Style = "chalk"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to draw.

    Attributes:
        title: what the grid calls it.
        people: how many of the references are shown to the model.
        is_two: whether the sentence has two people.
        is_routed: whether the router places them.
    """

    title: str
    people: int
    is_two: bool
    is_routed: bool = True


PLAIN = Arm("nobody's face", 0, True)
ALONE = Arm("person 1", 1, False)
BLENDED = Arm("both, without the router", 2, True, is_routed=False)
ROUTED = Arm("both, with the router", 2, True)
ARMS = (PLAIN, ALONE, BLENDED, ROUTED)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scene:
    """What is to be drawn.

    Attributes:
        references: two pictures (H, W, 3) uint8.
        codes: who is in them, (2, 7).
        one, two: sentences about the first, and about both.
        pictures: how many of each arm.
        steps: of the sampler.
        guidance: classifier-free.
        strength: of the people.
        structure_scale: for one person and for two.
    """

    references: tuple[np.ndarray, np.ndarray]
    codes: Tensor
    one: str
    two: str
    pictures: int = 8
    steps: int = 20
    guidance: float = 2.0
    strength: float = 1.0
    structure_scale: tuple[float, float] = (0.3, 0.3)

    def prompt(self, arm: Arm) -> str:
        """The sentence of an arm."""
        return self.two if arm.is_two else self.one


def drawn_people() -> tuple[tuple[np.ndarray, np.ndarray], Tensor]:
    """Portraits of the demo's own two people, and who they are."""
    codes = torch.tensor(PEOPLE)
    first, second = World(seed=PORTRAITS_SEED, size=SIZE).portraits([0], people=2, codes=codes[None]).arrays()
    return (first, second), codes


def read_people(files: Sequence[Path], judge: Judge) -> tuple[tuple[np.ndarray, np.ndarray], Tensor]:
    """Pictures of the user's, and whom the judge sees in them.

    Raises:
        NoFaceFoundError: if the judge finds nobody in one of them.
    """
    pictures = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    codes: list[Tensor] = []
    for file, picture in zip(files, pictures, strict=True):
        [verdict] = judge.read(images_from_arrays([picture]).permute(0, 3, 1, 2))
        if not verdict.count:
            raise NoFaceFoundError(
                f"No drawn face was found in {file.name}; the miniature knows its own cartoon people only, "
                "give pictures of those; two are in workflows/portraits."
            )
        codes.append(torch.stack([verdict.answers(name)[0] for name in verdict.people][: len(PEOPLE[0])]))
    first, second = pictures
    return (first, second), torch.stack(codes)


def sentences(codes: Tensor, prompt: str | None) -> tuple[str, str]:
    """The sentences about the first person and about both; a prompt of the user's stands for the second."""
    first, second = (NOUNS[code] for code in codes[:, 0].tolist())
    return ONE.format(first=first), prompt or TWO.format(first=first, second=second)


def drawn_styles() -> list[np.ndarray]:
    """The pictures of style of the miniature's workflows, (128, 128, 3) uint8: of people whom no network has seen."""
    world = World(seed=STYLES_SEED, split="held out", size=SIZE)
    images = [world.scenes([number], people=(people, people)).image for number, people in STYLED]
    return arrays_from_images(restyle(torch.cat(images), (STYLE,) * len(images)).permute(0, 2, 3, 1))
