"""The flavour that an adapter's weights, their metadata and a user's choice come to."""

from __future__ import annotations

from typing import Literal

from ..errors import InvalidSettingError
from .checkpoint import ConsistentIDAdapter, trained_corrected
from .corrected import Corrected
from .flavour import Flavour, Mode
from .pipelines import INPAINT, SD15, SDXL
from .published import Published

Purpose = Literal["text to image", "inpaint"]


def choose_flavour(adapter: ConsistentIDAdapter, mode: Literal["auto"] | Mode, purpose: Purpose) -> Flavour:
    """The flavour of an adapter.

    Args:
        adapter: its context tells the base model, its metadata how it was trained.
        mode: "auto" is corrected for weights that were trained so, published for all others.
        purpose: the published pipelines differ for inpainting.

    Raises:
        InvalidSettingError: if the adapter is for SDXL and the purpose is inpainting, for which no pipeline was published.
    """
    pipeline = SDXL if adapter.context_dim == SDXL.width else SD15
    if purpose == "inpaint":
        if pipeline is SDXL:
            raise InvalidSettingError(
                'purpose is "inpaint", but the published inpainting pipeline is SD1.5 only and this file is for SDXL; set '
                'purpose to "text to image", which inpaints too.'
            )
        pipeline = INPAINT
    mends = mode == "corrected" or (mode == "auto" and trained_corrected(adapter.metadata))
    return Corrected(pipeline) if mends else Published(pipeline)
