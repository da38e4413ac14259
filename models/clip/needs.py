"""Published image encoders, text encoders and priors of CLIP, and how methods ask for them."""

from __future__ import annotations

from ..weights.known_file import HOST, KnownFile
from ..weights.needs import Want
from ..weights.signatures import CLIP_TEXT as TEXT
from ..weights.signatures import CLIP_VISION, PRIOR

IMAGE_ENCODER = KnownFile(
    name="CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors",
    folder="clip_vision",
    page=f"{HOST}h94/IP-Adapter",
    path="models/image_encoder/model.safetensors",
    what="the image encoder CLIP ViT-H/14, `model.safetensors` where it is published",
    size="2.5 GB",
    licence="MIT (OpenCLIP), Apache-2.0 (this copy)",
    encoder="ViT-H",
    commercial="yes",
    bytes=2_528_373_448,
    sha256="6ca9667da1ca9e0b0f75e46bb030f7e011f44f86cbfb8d5a36590fcd7507b030",
)
IMAGE_ENCODER_BIGG = KnownFile(
    name="CLIP-ViT-bigG-14-laion2B-39B-b160k.safetensors",
    folder="clip_vision",
    page=f"{HOST}h94/IP-Adapter",
    path="sdxl_models/image_encoder/model.safetensors",
    what="the image encoder CLIP ViT-bigG/14, for the two adapters that read it, `model.safetensors` where it is published",
    size="3.7 GB",
    licence="MIT (OpenCLIP), Apache-2.0 (this copy)",
    encoder="ViT-bigG",
    commercial="yes",
    bytes=3_689_912_664,
    sha256="657723e09f46a7c3957df651601029f66b1748afb12b419816330f16ed45d64d",
)
OPENAI_VIT_L = KnownFile(
    name="CLIP-ViT-L-14-openai.safetensors",
    folder="clip_vision",
    page=f"{HOST}timm/vit_large_patch14_clip_224.openai",
    path="open_clip_model.safetensors",
    what="the image encoder OpenAI CLIP ViT-L/14, for FaceStudio, `open_clip_model.safetensors` where it is published",
    size="1.7 GB",
    licence="MIT (OpenAI's CLIP), Apache-2.0 (this copy)",
    encoder="ViT-L",
    commercial="yes",
)
OPENAI_RN101 = KnownFile(
    name="CLIP-RN101-openai.safetensors",
    folder="clip_vision",
    page=f"{HOST}timm/resnet101_clip.openai",
    path="open_clip_model.safetensors",
    what="the image encoder OpenAI CLIP RN101, only for FaceStudio files with the paper's three encoders",
    size="0.5 GB",
    licence="MIT",
    encoder="RN101",
    commercial="yes",
)
OPENAI_VIT_B = KnownFile(
    name="CLIP-ViT-B-32-openai.safetensors",
    folder="clip_vision",
    page=f"{HOST}timm/vit_base_patch32_clip_224.openai",
    path="open_clip_model.safetensors",
    what="the image encoder OpenAI CLIP ViT-B/32, only for FaceStudio files with the paper's three encoders",
    size="0.6 GB",
    licence="MIT (OpenAI's CLIP), Apache-2.0 (this copy)",
    encoder="ViT-B",
    commercial="yes",
)
PRIOR_BIGG = KnownFile(
    name="kandinsky-2-2-prior.safetensors",
    folder="prior",
    page=f"{HOST}kandinsky-community/kandinsky-2-2-prior",
    path="prior/diffusion_pytorch_model.safetensors",
    what="Kandinsky 2.2's prior, from text to picture embeddings of ViT-bigG/14; it reads the CLIP of an SDXL checkpoint",
    size="4.1 GB",
    licence="Apache-2.0",
    encoder="ViT-bigG",
    commercial="yes",
)
PRIOR_VITL = KnownFile(
    name="kandinsky-2-1-prior.safetensors",
    folder="prior",
    page=f"{HOST}kandinsky-community/kandinsky-2-1-prior",
    path="prior/diffusion_pytorch_model.safetensors",
    what="Kandinsky 2.1's prior, from text to picture embeddings of ViT-L/14; Karlo's has the same layout",
    size="4.1 GB",
    licence="Apache-2.0",
    encoder="ViT-L",
    commercial="yes",
)
CLIP_TEXT = KnownFile(
    name="clip-vit-large-patch14-text.safetensors",
    folder="text_encoders",
    page=f"{HOST}kandinsky-community/kandinsky-2-1-prior",
    path="text_encoder/model.safetensors",
    what="CLIP ViT-L/14's text encoder with its projection, only for the priors of Kandinsky 2.1 and Karlo",
    size="495 MB",
    licence="Apache-2.0 (this copy)",
    commercial="yes",
)

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
