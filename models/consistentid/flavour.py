"""How ConsistentID behaves: a published pipeline's numbers, together with the published or the corrected behaviour.

docs/parity.md lists what the two behaviours do differently, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np

from ..errors import InvalidSettingError
from ..face.types import Face
from ..people.person import Person
from ..people.photo import Photo
from .checkpoint import ConsistentIDAdapter, trained_corrected
from .corrected import Corrected
from .marked_text import Caption, FacialPrompt
from .pipelines import INPAINT, PIPELINES, SD15, SDXL, Pipeline
from .published import Published

Mode = Literal["published", "corrected"]
Purpose = Literal["text to image", "inpaint"]


class Flavour(Protocol):
    """A pipeline in one of the two behaviours: `published.Published` or `corrected.Corrected`."""

    @property
    def mode(self) -> Mode:
        """Which of the two behaviours it is."""
        ...

    @property
    def pipeline(self) -> Pipeline:
        """The published pipeline's numbers, which the weights were trained with."""
        ...

    @property
    def merge_inclusive(self) -> bool:
        """Whether the step that a merge point names is itself still text alone."""
        ...

    @property
    def control_context(self) -> bool:
        """Whether ControlNets see the ID tokens as more rows of text."""
        ...

    def check_people(self, people: Sequence[Person]) -> None:
        """Refuse people that the behaviour does not know.

        Raises:
            InvalidSettingError: saying what to do.
        """
        ...

    def photos(self, person: Person) -> tuple[Photo, ...]:
        """The photos of a person that are looked at."""
        ...

    def portrait(self, photo: Photo) -> np.ndarray:
        """What image encoder and face parser see of a photo, (h, w, 3) uint8 RGB."""
        ...

    def find_face(self, photo: Photo) -> tuple[Face, np.ndarray] | None:
        """The face of a photo with the picture that the recogniser sees it in, (H, W, 3) uint8; None where there is none.

        Raises:
            NoFaceFoundError: if a face is known, and is not found in the way of the published code.
        """
        ...

    def assemble(self, prompt: str, caption: Caption, count: Callable[[str], int] | None = None) -> FacialPrompt:
        """Write one person's description into a prompt, see `facial_prompt.assemble`."""
        ...


def find_flavour(name: str | Flavour) -> Flavour:
    """The published flavour of a name ("sd15", "sdxl", "inpaint" or its alias "base"); a Flavour is returned as it is.

    Raises:
        InvalidSettingError: if there is no such flavour.
    """
    if not isinstance(name, str):
        return name
    if name not in PIPELINES:
        known = ", ".join(f'"{known}"' for known in PIPELINES)
        raise InvalidSettingError(f'There is no ConsistentID flavour "{name}"; choose one of {known}.')
    return Published(PIPELINES[name])


def choose_flavour(adapter: ConsistentIDAdapter, mode: Literal["auto"] | Mode, purpose: Purpose) -> Flavour:
    """The flavour of an adapter.

    Args:
        adapter: its context tells the base model, its metadata how it was trained.
        mode: "auto" is corrected for weights that were trained so, published for all others.
        purpose: the published pipelines differ for inpainting.

    Raises:
        InvalidSettingError: if the adapter is for SDXL and the purpose is inpainting, for which no pipeline was published.
    """
    pipeline = SDXL if adapter.context_dim == SDXL.width else SD15
    if purpose == "inpaint":
        if pipeline is SDXL:
            raise InvalidSettingError(
                'purpose is "inpaint", but the published inpainting pipeline is SD1.5 only and this file is for SDXL; set '
                'purpose to "text to image", which inpaints too.'
            )
        pipeline = INPAINT
    mends = mode == "corrected" or (mode == "auto" and trained_corrected(adapter.metadata))
    return Corrected(pipeline) if mends else Published(pipeline)
