"""ConsistentID as published, with all quirks of its pipelines.

A face is written into a prompt in clauses, in the order of the features, with a marker in each: ConsistentID (arXiv:2404.16771),
section 3.1; the exact form follows the published code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..clip import text_ids
from ..errors import InvalidSettingError, NoFaceFoundError
from ..face.analysis import Selection, analyze
from ..face.facial_features import FEATURES
from ..face.types import Face
from ..people.person import Person
from ..people.photo import Photo
from .marked_text import MARKER, NOUNS, TEXT_LENGTH, Caption, FacialPrompt
from .pipelines import Pipeline

FIRST_FOUND = Selection(order="highest score")  # the published code takes element 0 of the detector's list
LONGEST_CAPTION = 330  # characters; the published pipelines leave a longer caption out
LONG_JOINER = " Caption:"  # between description and prompt where both together exceed the text encoder's ids

_FEATURE_MARKER = re.compile(rf"<\|({'|'.join(NOUNS)})\|>")
_CLAUSE_ENDS = ",.;"


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
        """The first photo that counts."""
        return person.counted[:1]

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


def write_clauses(
    prompt: str, caption: Caption, pipeline: Pipeline, count: Callable[[str], int] | None = None
) -> FacialPrompt:
    """Write a face's description into a prompt and mark its features.

    The description is cut into the clauses that name a feature, in the order face, ears, eyes, nose, mouth; a caption over
    330 characters is left out. Where prompt and description together exceed 77 ids the description comes first, so that the
    prompt's end is what gets lost.

    Args:
        prompt: the user's text, passed through untouched.
        caption: description of the face and the regions found.
        pipeline: its sentence and joiner are used.
        count: number of ids of a text in the first tokenizer, begin and end included and one per marker; None counts with
            open_clip's vocabulary.

    Raises:
        MissingPackageError: if ids must be counted and open_clip_torch is not installed.
    """
    written = pipeline.sentence if caption.text is None else caption.text
    marked, features, kept = _mark_clauses(written, caption.regions)
    if len(written) > LONGEST_CAPTION:
        return FacialPrompt(prompt, prompt, kept, ())
    text = prompt + pipeline.joiner + marked
    if (count or _count)(text) > TEXT_LENGTH:
        text = pipeline.joiner + marked + LONG_JOINER + prompt
    plain = prompt if pipeline.text_only == "raw" else text.replace(MARKER, "")
    return FacialPrompt(text, plain, kept, features)


def _count(text: str) -> int:
    pieces = text.split(MARKER)
    return 2 + len(pieces) - 1 + sum(len(text_ids(piece)) for piece in pieces)


def _mark_clauses(caption: str, regions: Sequence[str]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Mark the clauses that name a feature, one after the other, in the order of `NOUNS`.

    Args:
        caption: the description, any length.
        regions: names of the regions found.

    Returns:
        The clauses with markers, the feature of every marker, and the regions whose feature the caption names.
    """
    words = _once_each(caption)
    found = {FEATURES[name] for name in regions}
    active = [feature for feature in NOUNS if feature in found]
    kept = tuple(regions)
    for feature in reversed(active):
        words, marked = re.subn(rf"\b{feature}\b", f"{feature} <|{feature}|>", words, count=1)
        if not marked:
            kept = tuple(name for name in kept if FEATURES[name] != feature)
    clauses: list[str] = []
    for feature in active:
        clause, words = _cut_clause(words, f"<|{feature}|>")
        clauses.extend([clause + ","] if clause else [])
    text = " ".join(clauses)
    return _FEATURE_MARKER.sub(MARKER, text), tuple(_FEATURE_MARKER.findall(text)), kept


def _once_each(caption: str) -> str:
    """Words and marks of a caption, single spaces between them; a feature's second mention leaves its space only."""
    seen: set[str] = set()
    tokens: list[str] = []
    for token in re.findall(r"\b\w+\b|[.,;!?]", caption):
        word = token.lower()
        tokens.append("" if word in seen else token)
        if word in NOUNS:
            seen.add(word)
    return " ".join(tokens)


def _cut_clause(text: str, marker: str) -> tuple[str, str]:
    """The clause around a marker, and the text without it.

    A marker that is not there counts as being at -1, as in the published code: the clause is then the text's last
    character if the text is about as short as the marker, otherwise it is empty.
    """
    start = text.find(marker)
    end = start + len(marker)
    while start > 0 and text[start - 1] not in _CLAUSE_ENDS:
        start -= 1
    while end < len(text) and text[end] not in _CLAUSE_ENDS:
        end += 1
    clause = text[start:end].strip()
    return (clause, text[:start] + text[end:]) if clause else ("", text)
