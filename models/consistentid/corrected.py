"""ConsistentID's weights without the mistakes of its pipelines: captions as they are, every region at its own word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..face.facial_features import FEATURES
from ..face.squares import square_around
from ..face.types import Face
from ..people.person import Person
from ..people.photo import Photo
from .marked_text import NOUNS, Caption, ComposedPrompt, FacialPrompt, Mark
from .pipelines import Pipeline

PORTRAIT_MARGIN = 1.0  # face sizes on each side of a face that was picked out of a photo
# The joiner stands apart from the prompt: an embedding's name would not end there otherwise, and the ids are SDXL's.
JOINER = " ; Detail:"


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
        """The photos that show the person's face; where none does, all that count."""
        return tuple(photo for photo, _ in person.shown) or person.counted

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


def compose(prompt: str, captions: Sequence[Caption], pipeline: Pipeline) -> ComposedPrompt:
    """Write several people's descriptions into a prompt, for a host that knows prompt syntax.

    Captions keep their wording; brackets, backslashes and embedding names in them are made plain text. A caption that names
    no region found is left out, because nothing could be fused into it.

    Args:
        prompt: the user's text with the host's syntax, passed through untouched.
        captions: one per person.
        pipeline: its sentence is used.
    """
    text, joiner = prompt, JOINER if prompt else JOINER.lstrip(" ;")
    marks: list[Mark] = []
    spans: list[tuple[int, int]] = []
    for person, caption in enumerate(captions):
        sentence = _reduced(pipeline.sentence, caption.regions) if caption.text is None else caption.text
        written = _escape(sentence)
        words = _nouns(written, caption.regions)
        if words:
            text += " " if marks else joiner
            marks.extend(Mark(person, feature, len(text) + end) for end, feature in words)
        start = len(text)
        text += written if words else ""
        spans.append((start, len(text)))
    return ComposedPrompt(text, tuple(marks), tuple(spans))


def write_in_place(prompt: str, caption: Caption, pipeline: Pipeline) -> FacialPrompt:
    """Write one person's description into a prompt, with markers behind the nouns of an untouched caption."""
    composed = compose(prompt, [caption], pipeline)
    features = tuple(mark.feature for mark in composed.marks)
    kept = tuple(name for name in caption.regions if FEATURES[name] in features)
    return FacialPrompt(composed.marked_text, prompt if pipeline.text_only == "raw" else composed.text, kept, features)


def _nouns(text: str, regions: Iterable[str]) -> list[tuple[int, str]]:
    """(offset just after it, feature) of the first noun of every feature found, as they come in the text."""
    wanted = {FEATURES[name] for name in regions if name in FEATURES}
    words = ((feature, re.search(rf"\b(?:{NOUNS[feature]})\b", text, re.IGNORECASE)) for feature in wanted)
    return sorted((word.end(), feature) for feature, word in words if word)


def _reduced(sentence: str, regions: Iterable[str]) -> str:
    """A pipeline's sentence with only those features that were found; empty if there is none of them."""
    wanted = {FEATURES[name] for name in regions if name in FEATURES}
    subject, _, listed = sentence.rstrip(".").partition(" has ")
    phrases = re.split(r",\s*(?:and\s+)?", listed)
    kept = [phrase for phrase in phrases if phrase.rsplit(" ", 1)[-1] in wanted]
    if len(kept) == len(phrases):
        return sentence
    if not kept:
        return ""
    listed = f"{', '.join(kept[:-1])} and {kept[-1]}" if len(kept) > 1 else kept[0]
    return f"{subject} has {listed}."


def _escape(caption: str) -> str:
    """A caption as plain text of ComfyUI's prompt syntax; its ids stay the same."""
    words = re.sub(r"\s+", " ", caption).strip()
    return re.sub(r"(embedding):", r"\1 :", re.sub(r"([()])", r"\\\1", words), flags=re.IGNORECASE)
