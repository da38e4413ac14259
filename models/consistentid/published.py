"""ConsistentID as published, with all quirks of its pipelines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import InvalidSettingError, NoFaceFoundError
from ..face.analysis import Selection, analyze
from ..face.types import Face
from ..people.person import Person, Photo
from .pipelines import Pipeline
from .prompts.marked_text import Caption, FacialPrompt
from .prompts.published import write_clauses

FIRST_FOUND = Selection(order="highest score")  # the published code takes element 0 of the detector's list


@dataclass(frozen=True, slots=True)
class Published:
    """The behaviour of the published pipelines to the letter; a `Flavour`.

    One person, their first photo as a whole, plain text of one chunk, regions paired with words by rank: words come as face,
    ears, eyes, nose, mouth and regions as Face, Eye, Ear, Nose, Lip, so eyes go into the word "ears" and ears into "eyes".
    Empty pictures are fused into the negative text. The step that a merge point names is still text alone.

    Attributes:
        pipeline: the pipeline.
    """

    pipeline: Pipeline

    @property
    def mode(self) -> Literal["published"]:
        """Which of the two behaviours it is."""
        return "published"

    @property
    def merge_inclusive(self) -> bool:
        """Whether the step that a merge point names is itself still text alone."""
        return True

    @property
    def control_context(self) -> bool:
        """Whether ControlNets see the ID tokens as more rows of text."""
        return self.pipeline.control_context

    def check_people(self, people: Sequence[Person]) -> None:
        """Refuse a second person, and a person mixed of several.

        Raises:
            InvalidSettingError: saying what to do.
        """
        if len(people) > 1:
            listed = ", ".join(f'"{person.name}"' for person in people)
            raise InvalidSettingError(
                f"There are {len(people)} people ({listed}), but the published ConsistentID knows one only; set "
                '"mode" of Load ConsistentID to "corrected" for several people.'
            )
        for person in people:
            if person.mixed:
                raise InvalidSettingError(
                    f'"{person.name}" is mixed of several people, but the published ConsistentID knows one only; set '
                    '"mode" of Load ConsistentID to "corrected" to mix people.'
                )

    def photos(self, person: Person) -> tuple[Photo, ...]:
        """The first photo."""
        return person.photos[:1]

    def portrait(self, photo: Photo) -> np.ndarray:
        """The photo as a whole, (H, W, 3) uint8 RGB."""
        return photo.picture

    def find_face(self, photo: Photo) -> tuple[Face, np.ndarray] | None:
        """The face of a photo with the picture that the recogniser sees it in, (H, W, 3) uint8.

        Where nobody chose the face, the photo is looked at as the published code does: in a square of the pipeline's own
        size, in its channel order, and the surest face counts.

        Returns:
            Face and picture; None where there is no face.

        Raises:
            NoFaceFoundError: if a face is known, and is not found in this way.
        """
        shown = self._shown(photo.picture)
        if photo.is_chosen or photo.detector is None:
            return None if photo.taken is None else (photo.taken, shown)
        detector = photo.detector.at_size(self.pipeline.detection_size)
        found = analyze([shown], detector, FIRST_FOUND, "go on").faces
        if found:
            return found[0], shown
        if photo.taken is not None:
            exchanged = ", red and blue exchanged" if self._exchanges_colours else ""
            raise NoFaceFoundError(
                f"The published ConsistentID looks at a photo in its own way (in a square of {self.pipeline.detection_size} "
                f"pixels{exchanged}) and found no face there; pick the face with Detect Faces or set "
                '"mode" of Load ConsistentID to "corrected".'
            )
        return None

    def assemble(self, prompt: str, caption: Caption, count: Callable[[str], int] | None = None) -> FacialPrompt:
        """Write one person's description into a prompt, see `write_clauses`."""
        return write_clauses(prompt, caption, self.pipeline, count)

    @property
    def _exchanges_colours(self) -> bool:
        return (
            self.pipeline.channel_order == "RGB"
        )  # insightface expects BGR, and our encoders turn RGB over themselves

    def _shown(self, picture: np.ndarray) -> np.ndarray:
        """What detector and recogniser see of a picture."""
        return np.ascontiguousarray(picture[..., ::-1]) if self._exchanges_colours else picture
