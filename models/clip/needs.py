"""Image encoders and priors, as methods ask for them."""

from __future__ import annotations

from ..weights.needs import Want
from ..weights.signatures import CLIP_TEXT as TEXT
from ..weights.signatures import CLIP_VISION, PRIOR
from .known_files import CLIP_TEXT, IMAGE_ENCODER, IMAGE_ENCODER_BIGG, PRIOR_BIGG, PRIOR_VITL

VIT_H, VIT_BIGG, VIT_L = "ViT-H", "ViT-bigG", "ViT-L"
# By what an adapter reads, and how wide it is.
ENCODERS = {
    ("pooled", 768): VIT_L,
    ("pooled", 1024): VIT_H,
    ("pooled", 1280): VIT_BIGG,
    ("tokens", 768): "ViT-B",
    ("tokens", 1024): VIT_L,
    ("tokens", 1280): VIT_H,
    ("tokens", 1664): VIT_BIGG,
}
PICTURES = Want(
    purpose="image encoder",
    kinds=(CLIP_VISION,),
    folders=("clip_vision",),
    published=(IMAGE_ENCODER, IMAGE_ENCODER_BIGG),
    encoder=VIT_H,
)
TEXTS = Want(
    purpose="prior",
    kinds=(PRIOR,),
    folders=("prior",),
    published=(PRIOR_BIGG, PRIOR_VITL),
    optional="a text as style (Predict Image Embedding)",
)
TEXT_ENCODER = Want(
    purpose="text encoder of a prior",
    kinds=(TEXT,),
    folders=("text_encoders",),
    published=(CLIP_TEXT,),
    optional="the priors of Kandinsky 2.1 and Karlo",
)
