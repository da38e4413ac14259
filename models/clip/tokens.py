"""Token ids of CLIP's text encoders, for places without a host's tokenizer."""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

from ..errors import MissingPackageError

BOS, EOS = 49406, 49407  # begin and end of a text


def encode(text: str) -> list[int]:
    """Byte-pair ids of a text, without BOS and EOS and of any length.

    The vocabulary is open_clip's; the text is cleaned as Hugging Face's CLIP tokenizer does it (canonical composition,
    single spaces, lower case), without repairing its encoding or undoing HTML escapes as open_clip would.

    Raises:
        MissingPackageError: if open_clip_torch is not installed.
    """
    tokenizer = _tokenizer()
    clean = " ".join(unicodedata.normalize("NFC", text).split()).lower()
    ids: list[int] = []
    for word in tokenizer.pat.findall(clean):
        written = "".join(tokenizer.byte_encoder[byte] for byte in word.encode("utf-8", "replace"))
        ids.extend(tokenizer.encoder[piece] for piece in tokenizer.bpe(written).split(" "))
    return ids


@functools.cache
def _tokenizer() -> Any:
    try:
        from open_clip.tokenizer import SimpleTokenizer
    except ImportError as error:
        raise MissingPackageError(
            "Counting the words of a prompt needs the package open_clip_torch, which cannot be imported "
            f"({error}); run `pip install open_clip_torch`."
        ) from error
    return SimpleTokenizer()
