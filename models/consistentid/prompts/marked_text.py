"""Prompts in which words stand for facial regions, as values."""

from __future__ import annotations

from dataclasses import dataclass

MARKER = "<|facial|>"  # stands after the noun that a region is fused into
TEXT_LENGTH = 77  # ids of one CLIP text, begin and end included
NOUNS = {"face": "face", "ears": "ears?", "eyes": "eyes?", "nose": "nose", "mouth": "mouth|lips?"}


@dataclass(frozen=True, slots=True)
class FacialPrompt:
    """A prompt with one person's facial features marked.

    Attributes:
        text: with a marker after the noun of every feature.
        plain: the prompt of the phase before merging, without markers.
        regions: names of the regions whose feature the description names, in the order given.
        features: the feature of every marker that this module put in, in the order of the text.
    """

    text: str
    plain: str
    regions: tuple[str, ...]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caption:
    """How one person's face is described.

    Attributes:
        text: anybody's words; None is the pipeline's sentence about the regions found.
        regions: names of the regions found.
    """

    text: str | None
    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that stands for a facial region.

    Attributes:
        person: place of the caption that the word belongs to.
        feature: face, ears, eyes, nose or mouth.
        end: offset just after the word in the composed text.
    """

    person: int
    feature: str
    end: int


@dataclass(frozen=True, slots=True)
class ComposedPrompt:
    """A prompt with several people's captions, in the host's prompt syntax.

    Attributes:
        text: without markers.
        marks: by person, and within a person as the words come.
        spans: begin and end offset of every person's caption; equal where a caption names no region that was found, and so
            was left out.
    """

    text: str
    marks: tuple[Mark, ...]
    spans: tuple[tuple[int, int], ...]

    @property
    def marked_text(self) -> str:
        """The text with a marker after every word that stands for a region."""
        text = self.text
        for mark in sorted(self.marks, key=lambda mark: mark.end, reverse=True):
            text = f"{text[: mark.end]} {MARKER}{text[mark.end :]}"
        return text
