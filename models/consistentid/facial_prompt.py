"""The prompt with a face's description in it, and which of its words stand for which facial region.

ConsistentID (arXiv:2404.16771), section 3.1; the exact form follows the published code. See flavour.py for its quirks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..clip import tokens as clip_tokens
from ..face.facial_features import FEATURES
from .flavour import Flavour
from .flavour import flavour as find_flavour

MARKER = "<|facial|>"  # stands after the noun that a region is fused into
TEXT_LENGTH = 77  # ids of one CLIP text, begin and end included
NOUNS = {"face": "face", "ears": "ears?", "eyes": "eyes?", "nose": "nose", "mouth": "mouth|lips?"}

_FEATURE_MARKER = re.compile(rf"<\|({'|'.join(NOUNS)})\|>")
_CLAUSE_ENDS = ",.;"


@dataclass(frozen=True, slots=True)
class FacialPrompt:
    """A prompt with one person's facial features marked.

    Attributes:
        text: with a marker after the noun of every feature.
        plain: the prompt of the phase before merging, without markers.
        regions: names of the regions whose feature the caption names, in the order given.
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
        text: anybody's words; None is the flavour's sentence about the regions found.
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


def assemble(
    prompt: str,
    regions: Iterable[str],
    *,
    flavour: str | Flavour,
    caption: str | None = None,
    count: Callable[[str], int] | None = None,
) -> FacialPrompt:
    """Write a face's description into a prompt and mark its features.

    Args:
        prompt: the user's text, passed through untouched.
        regions: names of the regions found in the photo, in the order of their pictures; names of other parts of a
            head are passed over.
        flavour: a name ("sd15", "sdxl", "inpaint") or a Flavour.
        caption: description of the face; None is the flavour's fixed sentence.
        count: number of ids of a text in the first tokenizer, begin and end included and one per marker; None counts
            with open_clip's vocabulary.

    Raises:
        InvalidSettingError: if there is no such flavour.
        MissingPackageError: if ids must be counted and open_clip_torch is not installed.
    """
    settings = find_flavour(flavour)
    found = tuple(name for name in regions if name in FEATURES)
    if settings.pairing == "name":
        return _assemble_in_place(prompt, Caption(caption, found), settings)
    written = settings.caption if caption is None else caption
    marked, features, kept = _mark_clauses(written, found)
    if settings.longest_caption is not None and len(written) > settings.longest_caption:
        return FacialPrompt(prompt, prompt, kept, ())
    text = prompt + settings.joiner + marked
    if (count or _count)(text) > TEXT_LENGTH:
        text = settings.long_prefix + marked + settings.long_joiner + prompt
    plain = prompt if settings.text_only == "raw" else text.replace(MARKER, "")
    return FacialPrompt(text, plain, kept, features)


def compose(prompt: str, captions: Sequence[Caption], *, flavour: str | Flavour) -> ComposedPrompt:
    """Write several people's descriptions into a prompt, for a host that knows prompt syntax.

    Captions keep their wording; brackets, backslashes and embedding names in them are made plain text. A caption that names
    no region found is left out, because nothing could be fused into it.

    Args:
        prompt: the user's text with the host's syntax, passed through untouched.
        captions: one per person.
        flavour: a name or a Flavour; its `caption` and `joiner` are used.

    Raises:
        InvalidSettingError: if there is no such flavour.
    """
    settings = find_flavour(flavour)
    text, joiner = prompt, settings.joiner if prompt else settings.joiner.lstrip(" ;")
    marks: list[Mark] = []
    spans: list[tuple[int, int]] = []
    for person, caption in enumerate(captions):
        written = _escape(_reduced(settings, caption.regions) if caption.text is None else caption.text)
        words = _nouns(written, caption.regions)
        if words:
            text += " " if marks else joiner
            marks.extend(Mark(person, feature, len(text) + end) for end, feature in words)
        start = len(text)
        text += written if words else ""
        spans.append((start, len(text)))
    return ComposedPrompt(text, tuple(marks), tuple(spans))


def _assemble_in_place(prompt: str, caption: Caption, settings: Flavour) -> FacialPrompt:
    """Markers behind the nouns of an untouched caption."""
    composed = compose(prompt, [caption], flavour=settings)
    features = tuple(mark.feature for mark in composed.marks)
    kept = tuple(name for name in caption.regions if FEATURES[name] in features)
    return FacialPrompt(composed.marked_text, prompt if settings.text_only == "raw" else composed.text, kept, features)


def _nouns(text: str, regions: Iterable[str]) -> list[tuple[int, str]]:
    """(offset just after it, feature) of the first noun of every feature found, as they come in the text."""
    wanted = {FEATURES[name] for name in regions if name in FEATURES}
    words = ((feature, re.search(rf"\b(?:{NOUNS[feature]})\b", text, re.IGNORECASE)) for feature in wanted)
    return sorted((word.end(), feature) for feature, word in words if word)


def _reduced(settings: Flavour, regions: Iterable[str]) -> str:
    """The flavour's sentence with only those features that were found; empty if there is none of them."""
    wanted = {FEATURES[name] for name in regions if name in FEATURES}
    subject, _, listed = settings.caption.rstrip(".").partition(" has ")
    phrases = re.split(r",\s*(?:and\s+)?", listed)
    kept = [phrase for phrase in phrases if phrase.rsplit(" ", 1)[-1] in wanted]
    if len(kept) == len(phrases):
        return settings.caption
    if not kept:
        return ""
    listed = f"{', '.join(kept[:-1])} and {kept[-1]}" if len(kept) > 1 else kept[0]
    return f"{subject} has {listed}."


def _escape(caption: str) -> str:
    """A caption as plain text of ComfyUI's prompt syntax; its ids stay the same."""
    words = re.sub(r"\s+", " ", caption).strip()
    return re.sub(r"(embedding):", r"\1 :", re.sub(r"([()])", r"\\\1", words), flags=re.IGNORECASE)


def _count(text: str) -> int:
    pieces = text.split(MARKER)
    return 2 + len(pieces) - 1 + sum(len(clip_tokens.encode(piece)) for piece in pieces)


def _mark_clauses(caption: str, regions: Sequence[str]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The published marking: the clauses that name a feature, one after the other, in the order of `NOUNS`.

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
