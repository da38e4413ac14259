"""Base models: one checkpoint file of SD1.5 or SDXL to diffusers' UNet and VAE and transformers' text encoders.

Every size is read from the tensors' shapes and every configuration is written here, so nothing is asked of a hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel  # pyright: ignore[reportPrivateImportUsage]
from einops import rearrange
from torch import Tensor, nn

from ..models.errors import IncompatibleBaseModelError, InvalidSettingError, UnknownCheckpointError
from ..models.weights.reading import Source, read_flat
from ..models.weights.state_dict import load_strictly, subset, summarise
from .attention import find_sites
from .base_layout import unet_config, vae_config
from .text_encoders import TextEncoder, load_clip, load_openclip

Family = Literal["sd15", "sdxl"]
Prediction = Literal["eps", "v"]
UNET, VAE = "model.diffusion_model.", "first_stage_model."
CLIP = {"sd15": "cond_stage_model.transformer.", "sdxl": "conditioner.embedders.0.transformer."}
OPENCLIP = "conditioner.embedders.1.model."
LATENT_SCALE = {"sd15": 0.18215, "sdxl": 0.13025}  # of the published VAE configurations


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Base:
    """A frozen base model.

    Attributes:
        unet: UNet2DConditionModel.
        vae: AutoencoderKL, always float32: SDXL's overflows in half precision.
        text_encoders: CLIP-L, and OpenCLIP-G beside it for SDXL.
        family: which of the two architectures.
        prediction: what the UNet predicts, noise or velocity.
        schedule: the training schedule; zero terminal SNR where a file of velocity says so.
    """

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoders: tuple[TextEncoder, ...]
    family: Family
    prediction: Prediction
    schedule: DDPMScheduler

    @property
    def latent_scale(self) -> float:
        """Factor from the VAE's latents to the UNet's."""
        return LATENT_SCALE[self.family]

    def to(self, device: torch.device) -> Base:
        """Move all networks to a device."""
        for module in (self.unet, self.vae, *(encoder.module for encoder in self.text_encoders)):
            cast(nn.Module, module).to(device)
        return self


def load_base(
    source: Source,
    *,
    vae: Source | None = None,
    family: Family | Literal["auto"] = "auto",
    prediction: Prediction | Literal["auto"] = "auto",
    dtype: torch.dtype = torch.float32,
) -> Base:
    """Read a base model.

    Args:
        source: path or state dict of a whole checkpoint.
        vae: path or state dict of a VAE to use instead of the checkpoint's; with or without its prefix.
        family: what the file has to be; "auto" takes either.
        prediction: "auto" believes the file: velocity if it holds the key `v_pred`, noise otherwise.
        dtype: of UNet and text encoders.

    Returns:
        All networks frozen, in eval mode, on the device of the tensors (the CPU for files).

    Raises:
        IncompatibleBaseModelError: if it is no SD1.5 or SDXL base, or not the family asked for.
        InvalidSettingError: if the file says another prediction than was asked for.
        UnknownCheckpointError: if tensors are missing, unknown or of another shape, or `vae` is no VAE.
    """
    weights, name = read_flat(source)
    found = _family(weights, name)
    if family not in ("auto", found):
        raise IncompatibleBaseModelError(
            f"{name} is a checkpoint of {found}, the configuration asks for {family}; change one of them."
        )
    clip = load_clip(subset(weights, CLIP[found]), f"{name}, text encoder,", last_layer=found == "sd15", dtype=dtype)
    encoders = (clip,)
    if found == "sdxl":
        encoders += (load_openclip(weights, OPENCLIP, f"{name}, second text encoder,", dtype=dtype),)
    predicts = _prediction(weights, prediction, name)
    return Base(
        unet=load_unet(subset(weights, UNET), name, dtype),
        vae=_load_vae(subset(weights, VAE), name) if vae is None else _other_vae(vae),
        text_encoders=encoders,
        family=found,
        prediction=predicts,
        schedule=new_schedule(predicts, zero_terminal=predicts == "v" and "ztsnr" in weights),
    )


def decode_picture(base: Base, latents: Tensor) -> np.ndarray:
    """Latents of one picture as the UNet takes them, (1, C, h, w), to its pixels, (H, W, 3) uint8."""
    pixels: Any = base.vae.decode(latents / base.latent_scale)  # pyright: ignore[reportArgumentType]
    values = ((pixels.sample[0] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return rearrange(values, "c h w -> h w c").cpu().numpy()


def require_fit(base: Base, widths: Mapping[int, int], context: int, *, name: str) -> None:
    """Refuse an adapter that was trained for another architecture than a base model's.

    Args:
        base: the base model.
        widths: C of every cross-attention layer that the adapter knows, by site index.
        context: width of the text context that the adapter was trained with.
        name: of the adapter's file.

    Raises:
        IncompatibleBaseModelError: naming what both sides are.
    """
    found = {site.index: site.channels for site in find_sites(base.unet) if site.kind == "cross"}
    own = int(base.unet.config["cross_attention_dim"])
    if found != dict(widths) or own != context:
        raise IncompatibleBaseModelError(
            f"{name} fits a UNet with {len(widths)} cross-attention layers and a context {context} wide, this one has "
            f"{len(found)} and {own}; name a checkpoint of the architecture that the adapter was trained for."
        )


def load_unet(weights: dict[str, Tensor], name: str, dtype: torch.dtype) -> UNet2DConditionModel:
    """A UNet from the original key names without their prefix.

    Raises:
        UnknownCheckpointError: if it is not laid out as SD1.5's or SDXL's.
    """
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    config = unet_config(weights, name)
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(config)
    converted = convert_ldm_unet_checkpoint({UNET + key: tensor for key, tensor in weights.items()}, config)
    _expect_all(weights, converted, f"{name}, UNet,")
    return load_strictly(cast(UNet2DConditionModel, unet), converted, f"{name}, UNet,", dtype=dtype)


def _family(weights: dict[str, Tensor], name: str) -> Family:
    """Which architecture a checkpoint is, told by its text encoders and checked by its UNet."""
    if any(key.startswith("conditioner.embedders.0.model.") for key in weights):
        raise IncompatibleBaseModelError(f"{name} is an SDXL refiner; choose the SDXL base checkpoint.")
    if any(key.startswith("cond_stage_model.model.") for key in weights):
        raise IncompatibleBaseModelError(f"{name} is a Stable Diffusion 2 checkpoint; choose one of SD1.5 or SDXL.")
    first = weights.get(f"{UNET}input_blocks.0.0.weight")
    if first is not None and first.shape[1] != 4:
        raise IncompatibleBaseModelError(
            f"{name} is an inpainting or editing model ({first.shape[1]} input channels); choose an ordinary checkpoint."
        )
    for family in ("sdxl", "sd15"):
        if first is not None and any(key.startswith(CLIP[family]) for key in weights):
            return family
    raise IncompatibleBaseModelError(
        f"{name} is no whole SD1.5 or SDXL checkpoint: it holds {summarise(weights)}. Choose a file with UNet, VAE and "
        "text encoders under their original names."
    )


def _prediction(weights: dict[str, Tensor], wanted: str, name: str) -> Prediction:
    """What the UNet predicts; a file that says so is believed."""
    if "v_pred" not in weights:
        return "v" if wanted == "v" else "eps"
    if wanted == "eps":
        raise InvalidSettingError(
            f'{name} says that it predicts velocity, the configuration says "eps"; set prediction to "auto" or "v".'
        )
    return "v"


def new_schedule(prediction: Prediction, *, zero_terminal: bool) -> DDPMScheduler:
    """1000 steps, betas scaled-linear from 0.00085 to 0.012 (SD1.5 and SDXL alike)."""
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        prediction_type="v_prediction" if prediction == "v" else "epsilon",
        rescale_betas_zero_snr=zero_terminal,
    )


def _other_vae(source: Source) -> AutoencoderKL:
    weights, name = read_flat(source)
    return _load_vae(subset(weights, VAE) or weights, name)


def _load_vae(weights: dict[str, Tensor], name: str) -> AutoencoderKL:
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    weights = {key: tensor for key, tensor in weights.items() if not key.startswith(("loss.", "model_ema."))}
    config = vae_config(weights, f"{name}, VAE,")
    with torch.device("meta"):
        vae = AutoencoderKL.from_config(config)
    converted = convert_ldm_vae_checkpoint({VAE + key: tensor for key, tensor in weights.items()}, config)
    _expect_all(weights, converted, f"{name}, VAE,")
    return load_strictly(cast(AutoencoderKL, vae), converted, f"{name}, VAE,")


def _expect_all(weights: dict[str, Tensor], converted: dict[str, Tensor], name: str) -> None:
    """The converters pass over what they do not know; nothing may be lost."""
    if len(weights) != len(converted):
        raise UnknownCheckpointError(
            f"{name} has {len(weights)} tensors, of which {len(converted)} are known in this architecture; "
            "choose an ordinary SD1.5 or SDXL checkpoint."
        )
