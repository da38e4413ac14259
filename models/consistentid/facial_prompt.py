"""The prompt with a face's description in it, and which of its words stand for which facial region."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..face.facial_features import FEATURES
from .flavour import Flavour, find_flavour
from .marked_text import Caption, FacialPrompt


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
        flavour: a published pipeline's name ("sd15", "sdxl", "inpaint" or "base"), or a Flavour.
        caption: description of the face; None is the pipeline's fixed sentence.
        count: number of ids of a text in the first tokenizer, begin and end included and one per marker; None counts
            with open_clip's vocabulary.

    Raises:
        InvalidSettingError: if there is no such flavour.
        MissingPackageError: if ids must be counted and open_clip_torch is not installed.
    """
    found = tuple(name for name in regions if name in FEATURES)
    return find_flavour(flavour).assemble(prompt, Caption(caption, found), count)
