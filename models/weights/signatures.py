"""What every kind of weights file looks like and where it belongs, so that a file in the wrong widget gets a name."""

from __future__ import annotations

import functools

from ..methods import wings
from .state_dict import Signature, Width

FACE_PARSER, DINO, CLIP_VISION, PRIOR = "face parser", "DINO", "CLIP vision", "prior"
FACENET = "FaceNet"
BASE_MODEL, CONTROL_NET, CLIP_TEXT = "base model", "ControlNet", "CLIP text"

ROOM = (__package__ or "").rpartition(".")[0]  # models
OTHER_FILES = (
    Signature(
        kind=FACE_PARSER,
        description="a BiSeNet face parser",
        has=(r"cp\.resnet\.conv1\.weight$", r"ffm\.convblk\.", r"conv_out32\.conv_out\.weight$"),
        belongs='in "face_parser" of Load Face Parser',
    ),
    Signature(
        kind="ParseNet", description="a ParseNet, another kind of face parser", has=(r"encoder\.\d", r"out_mask_conv\.")
    ),
    Signature(
        kind="DINOv2",
        description="a DINOv2 encoder, which is another network",
        has=(r"cls_token$", r"(mask_token$|blocks\.0\.ls1\.|register_tokens$)"),
    ),
    Signature(
        kind="classifier",
        description="a vision transformer that was trained as a classifier",
        has=(r"cls_token$", r"head\.weight$"),
    ),
    Signature(
        kind="DINO training",
        description="a whole DINO training checkpoint; its backbone alone is needed",
        has=(r"(student|teacher)\.(module\.)?backbone\.",),
    ),
    Signature(
        kind=DINO,
        description="a DINO image encoder",
        has=(r"cls_token$", r"pos_embed$", r"blocks\.0\.attn\.qkv\.weight$"),
        belongs='in "dino" of Load DINO',
    ),
    Signature(
        kind=PRIOR,
        description="a prior from text to picture embeddings",
        has=(r"prd_embedding$", r"transformer_blocks\.0\."),
        belongs='in "prior" of Predict Image Embedding',
        picture=("pooled", Width(r"proj_in\.weight$", 1)),
    ),
    Signature(
        kind=FACENET,
        description="a FaceNet recogniser",
        has=(r"conv2d_1a\.conv\.weight$", r"mixed_6a\.branch0\.conv\.weight$"),
        belongs='in "recogniser" of Score Likeness',
    ),
    Signature(
        kind=BASE_MODEL,
        description="a Stable Diffusion checkpoint",
        has=(r"model\.diffusion_model\.",),
        context=Width(r"model\.diffusion_model\..*\.attn2\.to_k\.weight$", 1),
    ),
    Signature(
        kind=CLIP_VISION,
        description="a CLIP vision model",
        has=(r"(vision_model|visual)\.",),
        picture=("tokens", Width(r"(vision_model\.embeddings|visual)\.class_embedding$", 0)),
    ),
    Signature(kind=CONTROL_NET, description="a ControlNet", has=(r"(control_model\.)?input_hint_block\.",)),
    Signature(kind=CLIP_TEXT, description="a CLIP text encoder", has=(r"text_model\.encoder\.layers\.0\.",)),
    Signature(kind="LoRA", description="a LoRA", has=(r"(lora_unet|lora_te|unet\.|diffusion_model\.).*",)),
)


@functools.cache
def known_files() -> tuple[Signature, ...]:
    """Every kind of file, those of the methods before the others; the first that fits wins."""
    return (*(signature for wing in wings(ROOM, "checkpoint") for signature in wing.FILES), *OTHER_FILES)
