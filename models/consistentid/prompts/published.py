"""How the published pipelines write a face into a prompt: clauses in the order of the features, a marker in each.

ConsistentID (arXiv:2404.16771), section 3.1; the exact form follows the published code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ...clip import text_ids
from ...face.facial_features import FEATURES
from ..pipelines import Pipeline
from .marked_text import MARKER, NOUNS, TEXT_LENGTH, Caption, FacialPrompt

LONGEST_CAPTION = 330  # characters; the published pipelines leave a longer caption out
LONG_JOINER = " Caption:"  # between description and prompt where both together exceed the text encoder's ids

_FEATURE_MARKER = re.compile(rf"<\|({'|'.join(NOUNS)})\|>")
_CLAUSE_ENDS = ",.;"


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
