"""What every kind of weights file looks like and where it belongs, so that a file in the wrong widget gets a name."""

from __future__ import annotations

from .state_dict import Signature

CONSISTENTID, OMNIPORTRAIT = "ConsistentID", "OmniPortrait"
FACEID, ROUTER, BACKBONE, IMAGE_PROMPT = "faceid", "router", "backbone", "image prompt"
FACE_PARSER, DINO, CLIP_VISION = "face parser", "DINO", "CLIP vision"

_LAYER = r"\d+\."
KNOWN_FILES = (  # the first that fits wins
    Signature(
        kind=CONSISTENTID,
        description="a ConsistentID file",
        has=(r"FacialEncoder\.", rf"adapter_modules\.{_LAYER}"),
        belongs='in "consistentid" of Load ConsistentID',
    ),
    Signature(
        kind=OMNIPORTRAIT,
        description="an OmniPortrait file",
        has=(r"fusion\.weight$", r"fusion\.bias$"),
        belongs='in "omniportrait" of Load OmniPortrait',
    ),
    Signature(
        kind=FACEID,
        description="a UniPortrait faceid file",
        has=(r"faceid_proj\.latents$", rf"faceid_adapter\.{_LAYER}to_k_faceid\."),
        belongs='in "faceid" of Load UniPortrait',
    ),
    Signature(
        kind=ROUTER,
        description="a UniPortrait router file",
        has=(rf"faceid_adapter\.{_LAYER}to_q_router\.",),
        lacks=(r"faceid_proj\.",),
        belongs='in "router" of Load UniPortrait',
    ),
    Signature(
        kind=BACKBONE,
        description="a face backbone",
        has=(r"input_layer\.0\.weight$", r"body\.0\.res_layer\.1\.weight$"),
        belongs='in "backbone" of Load UniPortrait',
    ),
    Signature(
        kind=IMAGE_PROMPT,
        description="an IP-Adapter file",
        has=(r"image_proj\.proj\.weight$", rf"ip_adapter\.{_LAYER}to_k_ip\."),
        lacks=(rf"ip_adapter\.{_LAYER}to_q_lora\.", r"image_proj\.latents$"),
        belongs='in "image_prompt" of Load UniPortrait',
    ),
    Signature(
        kind="other IP-Adapter",
        description="an IP-Adapter of another kind (Plus or FaceID)",
        has=(r"image_proj\.", r"ip_adapter\."),
    ),
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
    Signature(kind="base model", description="a Stable Diffusion checkpoint", has=(r"model\.diffusion_model\.",)),
    Signature(kind=CLIP_VISION, description="a CLIP vision model", has=(r"(vision_model|visual)\.",)),
    Signature(kind="LoRA", description="a LoRA", has=(r"(lora_unet|lora_te|unet\.|diffusion_model\.).*",)),
)
