"""How the corrected behaviour writes faces into a prompt: captions as they are, every region at its own word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ...face.facial_features import FEATURES
from ..pipelines import Pipeline
from .marked_text import NOUNS, Caption, ComposedPrompt, FacialPrompt, Mark

# The joiner stands apart from the prompt: an embedding's name would not end there otherwise, and the ids are SDXL's.
JOINER = " ; Detail:"


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
