"""The miniature in ComfyUI: its networks inside ComfyUI's own model classes."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import comfy.model_management
import comfy.sd
import numpy as np
import torch
from comfy import latent_formats, model_base, sd1_clip, supported_models
from comfy.clip_vision import ClipVisionModel
from comfy.model_patcher import ModelPatcher
from PIL import Image
from torch import Tensor

from ..models.clip.prior_file import load as load_prior
from ..models.consistentid.checkpoint import load as load_consistentid
from ..models.errors import MissingModelFileError
from ..models.facestudio.checkpoint import load as load_facestudio
from ..models.images.layout import images_from_arrays
from ..models.ip_adapter.checkpoint import load as load_ip_adapter
from ..models.miniature.files import (
    BASE,
    CLIP,
    CONSISTENTID,
    FACES,
    FACESTUDIO,
    IP_ADAPTER,
    OMNIPORTRAIT,
    PORTRAITS,
    PRIOR,
    STYLE_ADAPTER,
    STYLE_PICTURES,
    UNET,
    UNIPORTRAIT,
    VAE,
    FaceNetworks,
    read_base_file,
    read_face_networks,
    read_uniportrait,
)
from ..models.miniature.preview import BIAS, FACTORS
from ..models.miniature.sizes import BaseSizes
from ..models.miniature.vae import FACTOR, MiniatureVAE
from ..models.omniportrait.checkpoint import load as load_adapter
from ..models.people.remembered import RememberedBackbone
from ..models.port.encoders import FaceDetector
from ..models.weights.state_dict import KeyReport, load_strictly, subset
from .consistentid.adapter import LoadedConsistentID, new_consistentid
from .encoders.backbone import ManagedBackbone
from .encoders.detector import drawn_faces
from .encoders.parser import LoadedFaceParser
from .encoders.style import style_embedder
from .facestudio.trained import TrainedFaceStudio, new_trained
from .files import embedding_folders
from .ip_adapter.adapter import LoadedIPAdapter, new_ip_adapter
from .memory import SmallPatcher, attention_dtype, manage
from .omniportrait.adapter import LoadedOmniPortrait
from .prior import LoadedPrior
from .uniportrait.adapter import LoadedUniPortrait, new_uniportrait

PIXEL_BYTES = 2_000  # of memory per pixel that the VAE takes, at most
TRANSFORMER = "clip_l.transformer."  # before ComfyUI's names of the text encoder's weights
UNTRAINED = ("clip_l.logit_scale", f"{TRANSFORMER}text_projection")  # ComfyUI's class has them, nothing reads them


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LoadedMiniature:
    """Everything that the loader node hands on; the first three and clip_vision are ComfyUI's own kinds of value.

    Attributes:
        model: MODEL that predicts velocity under zero terminal SNR.
        clip: CLIP with the ordinary tokenizer.
        vae: VAE of factor 8.
        uniportrait: UniPortrait for this base model.
        consistentid: ConsistentID for this base model, in its corrected behaviour.
        omniportrait: OmniPortrait's pivot for this base model, read when it is first used.
        ip_adapter: IP-Adapter FaceID for this base model, which reads the vectors of UniPortrait's face backbone.
        style_adapter: plain IP-Adapter for this base model, for FaceStudio from IP-Adapters.
        facestudio: FaceStudio for this base model.
        prior: from the text encoder's captions to the image encoder's embeddings.
        face_parser: tells the parts of drawn faces apart.
        face_detector: finds drawn faces.
        clip_vision: CLIP_VISION for pictures of 224 pixels.
        portraits: two drawings of ours, IMAGE (1, H, W, 3) each.
        style_pictures: two more in another style, of one person and of two, likewise.
    """

    model: ModelPatcher
    clip: Any
    vae: Any
    uniportrait: LoadedUniPortrait
    consistentid: LoadedConsistentID
    omniportrait: LoadedOmniPortrait
    ip_adapter: LoadedIPAdapter
    style_adapter: LoadedIPAdapter
    facestudio: TrainedFaceStudio
    prior: LoadedPrior
    face_parser: LoadedFaceParser
    face_detector: FaceDetector
    clip_vision: Any
    portraits: tuple[Tensor, ...]
    style_pictures: tuple[Tensor, ...]


def load_miniature() -> LoadedMiniature:
    """Read the miniature's files.

    Raises:
        MissingModelFileError: if one of them is not there.
        UnknownCheckpointError: if one of them is something else.
    """
    weights, sizes = read_base_file(BASE)
    faces = read_face_networks(FACES)
    clip_vision, backbone = _clip_vision(faces), ManagedBackbone(manage(faces.backbone))
    face_parser = LoadedFaceParser(faces.parser, manage(faces.parser))
    dtype = attention_dtype()
    return LoadedMiniature(
        model=_model(weights, sizes),
        clip=_clip(weights, sizes),
        vae=_vae(weights, sizes),
        uniportrait=new_uniportrait(
            read_uniportrait(UNIPORTRAIT, dtype=dtype), RememberedBackbone(backbone), clip_vision
        ),
        consistentid=new_consistentid(
            load_consistentid(CONSISTENTID, dtype=dtype),
            clip_vision=clip_vision,
            face_parser=face_parser,
            recogniser=backbone,
        ),
        omniportrait=LoadedOmniPortrait(lambda: load_adapter(OMNIPORTRAIT)),
        ip_adapter=new_ip_adapter(load_ip_adapter(IP_ADAPTER, dtype=dtype), recogniser=backbone),
        style_adapter=new_ip_adapter(load_ip_adapter(STYLE_ADAPTER, dtype=dtype), clip_vision=clip_vision),
        facestudio=_facestudio(clip_vision, backbone, dtype),
        prior=_prior(),
        face_parser=face_parser,
        face_detector=drawn_faces(),
        clip_vision=clip_vision,
        portraits=tuple(_portrait(path) for path in PORTRAITS),
        style_pictures=tuple(_portrait(path) for path in STYLE_PICTURES),
    )


def _facestudio(clip_vision: Any, recogniser: ManagedBackbone, dtype: torch.dtype) -> TrainedFaceStudio:
    adapter = load_facestudio(FACESTUDIO, dtype=dtype)
    embedder = style_embedder(adapter.description, width=adapter.layer.style_width, clip_vision=clip_vision)
    return new_trained(adapter, embedder=embedder, recogniser=recogniser)


def _prior() -> LoadedPrior:
    weights = load_prior(PRIOR)
    return LoadedPrior(manage(weights.network), weights.description)


def _portrait(path: Path) -> Tensor:
    if not path.is_file():
        raise MissingModelFileError(f'The picture "{path.name}" is no longer in {path.parent}; install the pack again.')
    with Image.open(path) as picture:
        return images_from_arrays([np.asarray(picture.convert("RGB"))])


def _model(weights: dict[str, torch.Tensor], sizes: BaseSizes) -> ModelPatcher:
    levels = len(sizes.unet)
    config: Any = supported_models.SD15(
        {
            "image_size": 32,
            "in_channels": sizes.latent_channels,
            "out_channels": sizes.latent_channels,
            "model_channels": sizes.unet[0],
            "channel_mult": [width // sizes.unet[0] for width in sizes.unet],
            "num_res_blocks": [sizes.blocks] * levels,
            "transformer_depth": [1] * sizes.blocks * levels,
            "transformer_depth_middle": 1,
            "transformer_depth_output": [1] * (sizes.blocks + 1) * levels,
            "context_dim": sizes.text,
            "use_spatial_transformer": True,
            "use_linear_in_transformer": False,
            "adm_in_channels": None,
            "legacy": False,
            "use_temporal_attention": False,
            "use_temporal_resblock": False,
        }
    )
    config.unet_config |= {"num_heads": -1, "num_head_channels": sizes.head}  # in place of those that SD15 sets
    config.sampling_settings = {"zsnr": True}
    config.latent_format = latent_formats.SD15()
    config.latent_format.latent_channels = sizes.latent_channels
    config.latent_format.latent_rgb_factors, config.latent_format.latent_rgb_factors_bias = FACTORS, BIAS
    config.latent_format.taesd_decoder_name = None  # that is SD1.5's
    config.set_inference_dtype(torch.float32, None)
    offload = comfy.model_management.unet_offload_device()
    model = model_base.BaseModel(config, model_type=model_base.ModelType.V_PREDICTION, device=offload)
    load_strictly(model.diffusion_model, subset(weights, UNET), "The miniature's UNet")
    model.eval().requires_grad_(False)
    return ModelPatcher(model, load_device=comfy.model_management.get_torch_device(), offload_device=offload)


def _clip(weights: dict[str, torch.Tensor], sizes: BaseSizes) -> Any:
    config = {
        "hidden_size": sizes.text,
        "intermediate_size": 4 * sizes.text,
        "num_attention_heads": sizes.text_heads,
        "num_hidden_layers": sizes.text_layers,
    }
    clip = comfy.sd.CLIP(
        SimpleNamespace(params={}, clip=sd1_clip.SD1ClipModel, tokenizer=sd1_clip.SD1Tokenizer),
        embedding_directory=embedding_folders(),
        model_options={"clip_l_model_config": config, "dtype": torch.float32},
    )
    own = {TRANSFORMER + key: tensor.float() for key, tensor in subset(weights, CLIP).items()}
    missing, _ = clip.load_sd(own, full_model=True)
    report = KeyReport("The miniature's text encoder")
    report.missing = [key.removeprefix(TRANSFORMER) for key in missing if not key.startswith(UNTRAINED)]
    report.raise_if_faulty()
    return clip


def _vae(weights: dict[str, torch.Tensor], sizes: BaseSizes) -> Any:
    """ComfyUI's VAE around a network of our own: built for pixels, the only one that it makes without weights."""
    network = load_strictly(MiniatureVAE(sizes.vae, sizes.latent_channels), subset(weights, VAE), "The miniature's VAE")
    vae: Any = comfy.sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)}, dtype=torch.float32)
    vae.first_stage_model = network
    vae.patcher = SmallPatcher(network, load_device=vae.device, offload_device=vae.patcher.offload_device)
    vae.downscale_ratio = vae.upscale_ratio = FACTOR
    vae.latent_channels = sizes.latent_channels
    vae.memory_used_encode = lambda shape, dtype: PIXEL_BYTES * shape[2] * shape[3]
    vae.memory_used_decode = lambda shape, dtype: PIXEL_BYTES * FACTOR**2 * shape[2] * shape[3]
    vae.size = comfy.model_management.module_size(network)
    return vae


def _clip_vision(faces: FaceNetworks) -> Any:
    """ComfyUI reads the sizes of an image encoder from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(faces.image_config), encoding="utf-8")
        clip_vision: Any = ClipVisionModel(str(path))
    load_strictly(clip_vision.model, faces.image_encoder, "The miniature's image encoder", dtype=clip_vision.dtype)
    return clip_vision
