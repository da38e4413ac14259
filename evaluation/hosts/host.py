"""The port for everything that draws the pictures of a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ..metrics.networks import Networks
from ..protocol.people import PersonFolder
from ..protocol.sections import DrawingConfig, PicturesConfig

Config = TypeVar("Config", bound=DrawingConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A picture that is to be drawn.

    Attributes:
        people: who is in it.
        prompt: what it shows, as it is drawn.
        said: the same without marks, as it is measured.
        seed: of its noise.
        place: of its subject, its prompt and its seed in their lists.
    """

    people: tuple[PersonFolder, ...]
    prompt: str
    said: str
    seed: int
    place: tuple[int, int, int]

    @property
    def subject(self) -> str:
        """Who is in it, in words."""
        return " + ".join(person.name for person in self.people)

    @property
    def file(self) -> str:
        """Name of its file, without the ending."""
        subject, prompt, _ = self.place
        return f"{subject:04d}-{prompt:03d}-{self.seed}"


class Drawer(Protocol):
    """Draws."""

    @property
    def key(self) -> str:
        """Tells what decides about pictures besides the protocol's own sections: a workflow, weights."""
        ...

    def draw(self, wanted: Wanted, pictures: PicturesConfig) -> np.ndarray:
        """A picture, (H, W, 3) uint8 RGB; the same for the same arguments.

        Raises:
            LikenessError: for everything that can be mended by the user.
        """
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Host(Generic[Config]):
    """A host as protocols choose it.

    Attributes:
        section: what it lets users choose.
        make: from that, and networks that look at faces, to what draws.
        people: how many people a picture of it has; None for any number.
        section_of: where a key decides which others there are, the section that a table of the protocol means.
        is_below_models: whether relative paths start at the folder of models, as those of weights; else at the protocol's.
    """

    section: type[Config]
    make: Callable[[Config, Networks], Drawer]
    people: Callable[[Config], int | None] = lambda _: None
    section_of: Callable[[Mapping[str, Any]], type[Config]] | None = None
    is_below_models: bool = False
