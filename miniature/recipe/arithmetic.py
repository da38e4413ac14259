"""Faster arithmetic for training on processors that have it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import torch
from diffusers import UNet2DConditionModel  # pyright: ignore[reportPrivateImportUsage]
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0


def has_fast_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 faster than float32."""
    return torch.cuda.is_available() or bool(torch.cpu._is_avx512_bf16_supported())  # pyright: ignore[reportPrivateUsage]


@contextmanager
def plain_attention(unet: UNet2DConditionModel) -> Generator[None, None, None]:
    """Compute attention as plain products for a time: for a few hundred tokens their gradients are faster."""
    setter = cast(Any, unet.set_attn_processor)
    setter(AttnProcessor())
    try:
        yield
    finally:
        setter(AttnProcessor2_0())


def mixed_precision() -> torch.autocast:
    """Return a context in which products are of bfloat16 where that is faster; sums stay float32."""
    return torch.autocast("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16, enabled=has_fast_bfloat16())
