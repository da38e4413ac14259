"""What CLIP is given, without a host: photos resized, cropped and normalised as transformers does it, and ids of texts."""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..images.resampling import require_rgb, resize
from ..packages import import_package

CLIP_SIZE = 224  # pixels
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)  # OpenAI CLIP, RGB
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
BOS, EOS = 49406, 49407  # begin and end of a text


def clip_pixels(image: np.ndarray) -> Tensor:
    """Preprocess one photo.

    The short side becomes 224 pixels (Pillow's bicubic, which rounds to 8 bit and averages when it shrinks), the long one
    int(224·long/short); then the middle square is cut out.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        (3, 224, 224) float32, normalised.

    Raises:
        BadImageError: if the picture has another shape or is not 8-bit.
        MissingPackageError: if pillow is not there.
    """
    require_rgb(image)
    height, width = image.shape[:2]
    shorter = min(height, width)
    resized = resize(image, (int(CLIP_SIZE * height / shorter), int(CLIP_SIZE * width / shorter)), "bicubic")
    top, left = ((length - CLIP_SIZE) // 2 for length in resized.shape[:2])
    square = np.ascontiguousarray(resized[top : top + CLIP_SIZE, left : left + CLIP_SIZE])
    mean, std = clip_statistics()
    return (torch.from_numpy(square).permute(2, 0, 1).float() / 255 - mean) / std


def clip_statistics(device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation, (3, 1, 1) each."""
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    return mean, std


def text_ids(text: str) -> list[int]:
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
    found: Any = import_package("open_clip.tokenizer", "SimpleTokenizer", purpose="Counting the words of a prompt")
    return found.SimpleTokenizer()
