"""What a text tower of CLIP says of a text beyond CONDITIONING: last hidden states, projected embedding, where the text is over."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy.sd1_clip import SDClipModel
from torch import Tensor

from ..models.errors import IncompatibleBaseModelError
from .memory import load
from .prompt_tokens import LENGTH, chunk, literal_ids

logger = logging.getLogger(__name__)

ROOM = LENGTH - 2  # ids of a text between begin and end
# A trained projection has no exact zeros to speak of and no values far off the others; memory that no file filled has, mostly.
MOST_ZEROS = 0.5
FARTHEST = 1000.0  # of a value from zero, in medians
SOURCES = {  # by the width of the tower
    768: "OpenAI's CLIP ViT-L/14 with its text projection, such as text_encoder/model.safetensors of kandinsky-2-1-prior or "
    "clip-vit-large-patch14",
    1280: "OpenCLIP ViT-bigG/14's text encoder, or the CLIP of an SDXL checkpoint",
}


@dataclass(frozen=True, eq=False, slots=True)
class TextReading:
    """What a text tower says of R texts, float32 on the tower's device.

    Attributes:
        hidden: states of the last layer behind the final LayerNorm, (R, 77, W).
        pooled: of the first end token, projected unless asked for otherwise, not normalised, (R, W).
        mask: 1 up to the first end token, 0 behind it, (R, 77).
        dropped: ids of each text that had no room.
    """

    hidden: Tensor
    pooled: Tensor
    mask: Tensor
    dropped: tuple[int, ...]


def read_texts(clip: Any, texts: Sequence[str], *, width: int, projected: bool = True) -> TextReading:
    """What the text tower of a width in a CLIP says of texts.

    Texts are read as the tower was trained: literally, without prompt syntax such as (word:1.2) or embedding:name, and one
    chunk of them, 75 tokens and the end. The CLIP and its choice of layer stay as they are; its LoRAs act.

    Args:
        clip: a CLIP with such a tower: "clip_l" of 768, "clip_g" of 1280.
        texts: R of them, any length, also empty.
        width: W.
        projected: whether the pooled embedding is the one behind the text projection.

    Raises:
        IncompatibleBaseModelError: if there is no such tower, or it has no text projection where one is needed.
    """
    name, tower = _find(clip, width)
    load(clip.patcher)
    if projected and not _is_projected(tower):
        raise IncompatibleBaseModelError(
            f"The text tower {name} of this CLIP has no text projection, as those of SD1.5 and SDXL checkpoints, and the prior reads "
            f"what it gives; load {_source(width)} with Load CLIP and connect that."
        )
    tokenizer = getattr(clip.tokenizer, name)
    ids = [literal_ids(tokenizer, text) for text in texts]
    dropped = tuple(max(0, len(row) - ROOM) for row in ids)
    for count in filter(None, dropped):
        logger.warning("a text is %d tokens too long for CLIP's text tower; its end is not read", count)
    rows = [chunk(tokenizer, row) for row in ids]
    with torch.no_grad():
        embedded, mask, lengths, _ = tower.process_tokens(rows, clip.patcher.load_device)
        hidden, _, behind, before = tower.transformer(
            None, None, embeds=embedded, num_tokens=lengths, intermediate_output=None, dtype=torch.float32
        )
    return TextReading(hidden.float(), (behind if projected else before).float(), mask, dropped)


def readable_widths(clip: Any) -> tuple[int, ...]:
    """The widths of those text towers in a CLIP that can be read: CLIP's, with their text projection."""
    return tuple(_width(tower) for tower in _towers(clip).values() if _is_projected(tower))


def _find(clip: Any, width: int) -> tuple[str, Any]:
    """The tower of a width, and its name."""
    towers = _towers(clip)
    for name, tower in towers.items():
        if _width(tower) == width:
            return name, tower
    there = ", ".join(f"{name} ({_width(tower)} wide)" for name, tower in towers.items()) or "none of CLIP's"
    raise IncompatibleBaseModelError(
        f"A text tower {width} wide is needed, and the text encoders of this CLIP are {there}; connect {_source(width)}."
    )


def _towers(clip: Any) -> dict[str, Any]:
    return {
        name: module
        for name, module in clip.cond_stage_model.named_children()
        if isinstance(module, SDClipModel)
        and hasattr(module.transformer, "text_projection")
        and hasattr(clip.tokenizer, name)
    }


def _width(tower: Any) -> int:
    return int(tower.transformer.get_input_embeddings().weight.shape[1])


def _is_projected(tower: Any) -> bool:
    """Whether the tower's file had a text projection; where not, ComfyUI leaves the memory for it as it is."""
    weight = tower.transformer.text_projection.weight
    if weight is None:
        return False
    values = weight.detach().float().abs()
    return (
        bool(values.isfinite().all())
        and float((values == 0).float().mean()) <= MOST_ZEROS
        and float(values.max()) <= FARTHEST * float(values.median())
    )


def _source(width: int) -> str:
    return SOURCES.get(width, f"the text encoder of the CLIP model {width} wide that the prior was trained with")
