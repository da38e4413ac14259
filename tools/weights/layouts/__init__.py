"""Key names and shapes of the published weight files that the pack works with, written as small generators."""

from .adapters import (
    BIGG,
    consistentid,
    consistentid_adapter,
    consistentid_facial_encoder,
    consistentid_projection,
    facestudio,
    ip_adapter,
    ip_adapter_faceid_plus,
    ip_adapter_plus,
    omniportrait,
    uniportrait_adapter,
    uniportrait_projection,
)
from .checkpoints import clip_text, openclip_text, sdxl, stable_diffusion, vae
from .image_networks import clip_vision, clip_vision_bigg, dino, face_parsing, iresnet, openclip_resnet, openclip_vision
from .layers import Layout, Shape, prefixed
from .priors import prior, projected_clip_text
from .unets import NARROW_SDXL, SD15, SDXL, UNetShape, control_net, unet, user_lora

__all__ = [
    "BIGG",
    "NARROW_SDXL",
    "SD15",
    "SDXL",
    "Layout",
    "Shape",
    "UNetShape",
    "clip_text",
    "clip_vision",
    "clip_vision_bigg",
    "consistentid",
    "consistentid_adapter",
    "consistentid_facial_encoder",
    "consistentid_projection",
    "control_net",
    "dino",
    "face_parsing",
    "facestudio",
    "ip_adapter",
    "ip_adapter_faceid_plus",
    "ip_adapter_plus",
    "iresnet",
    "omniportrait",
    "openclip_resnet",
    "openclip_text",
    "openclip_vision",
    "prefixed",
    "prior",
    "projected_clip_text",
    "sdxl",
    "stable_diffusion",
    "unet",
    "uniportrait_adapter",
    "uniportrait_projection",
    "user_lora",
    "vae",
]
