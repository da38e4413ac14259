"""ConsistentID's weights without the mistakes of its pipelines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..face.squares import square_around
from ..face.types import Face
from ..people.person import Person, Photo
from .pipelines import Pipeline
from .prompts.corrected import compose, write_in_place
from .prompts.marked_text import Caption, ComposedPrompt, FacialPrompt

PORTRAIT_MARGIN = 1.0  # face sizes on each side of a face that was picked out of a photo


@dataclass(frozen=True, slots=True)
class Corrected:
    """The same weights without the mistakes; a `Flavour`.

    Regions meet their own words, insightface gets BGR, the host's prompt syntax works, both tokenizers see one text, the
    negative text stays as it is, several people, several photos and captions of any length are allowed, merging starts at
    the step that is named, and ControlNets see text only.

    Attributes:
        pipeline: the published pipeline, whose numbers the weights were trained with.
    """

    pipeline: Pipeline

    @property
    def mode(self) -> Literal["corrected"]:
        """Which of the two behaviours it is."""
        return "corrected"

    @property
    def merge_inclusive(self) -> bool:
        """Whether the step that a merge point names is itself still text alone."""
        return False

    @property
    def control_context(self) -> bool:
        """Whether ControlNets see the ID tokens as more rows of text."""
        return False

    def check_people(self, people: Sequence[Person]) -> None:
        """Refuse nobody."""

    def photos(self, person: Person) -> tuple[Photo, ...]:
        """The photos that show the person's face; all of them where none does."""
        return tuple(photo for photo, _ in person.shown) or person.photos

    def portrait(self, photo: Photo) -> np.ndarray:
        """The photo, (H, W, 3) uint8 RGB; of a face that was chosen its surroundings only, (side, side, 3).

        So other people and distance do not matter.
        """
        face = photo.taken
        if face is None or not photo.is_chosen:
            return photo.picture
        x0, y0, x1, y1 = (float(edge) for edge in face.box)
        rows, columns = square_around((x0, y0, x1, y1), face.image_size, PORTRAIT_MARGIN, None).inside
        return np.ascontiguousarray(photo.picture[rows, columns])

    def find_face(self, photo: Photo) -> tuple[Face, np.ndarray] | None:
        """The person's face with its photo, (H, W, 3) uint8; None where there is none."""
        return None if photo.taken is None else (photo.taken, photo.picture)

    def assemble(self, prompt: str, caption: Caption, count: Callable[[str], int] | None = None) -> FacialPrompt:
        """Write one person's description into a prompt, see `write_in_place`; ids need not be counted."""
        del count
        return write_in_place(prompt, caption, self.pipeline)

    def compose(self, prompt: str, captions: Sequence[Caption]) -> ComposedPrompt:
        """Write several people's descriptions into a prompt, see `corrected_prompt.compose`."""
        return compose(prompt, captions, self.pipeline)
