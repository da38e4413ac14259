"""MODELs with random weights, small or of full size, and people with random tokens in them: nothing is read from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from likeness.models.placement.placements import Placement
from likeness.tools.peers.narrow import SDXL_LAYERS
from likeness.tools.weights.layouts import UNetShape, unet
from torch import nn

SMALL_SDXL: Mapping[str, Any] = {**SDXL_LAYERS, "context_dim": 2048}  # by which ComfyUI_IPAdapter_plus knows SDXL
SMALL_SD15: Mapping[str, Any] = {
    **SDXL_LAYERS,
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 2, 4, 4],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [1] * 9 + [0] * 3,
    "use_linear_in_transformer": False,
}


def config_of(shape: UNetShape) -> Any:
    """ComfyUI's own configuration of a base model."""
    from comfy.model_detection import model_config_from_unet

    return model_config_from_unet({key: torch.empty(size, device="meta") for key, size in unet(shape).items()}, "")


def config_of_layers(layers: Mapping[str, Any]) -> Any:
    """The configuration of a UNet with some layers and the sampling of SD1.5, which needs no pooled text."""
    from comfy import supported_models

    return supported_models.SD15(dict(layers))


def new_model(config: Any, dtype: torch.dtype, device: torch.device, offload: torch.device | None = None) -> Any:
    """A MODEL with random weights.

    Args:
        config: of the base model.
        dtype: of the UNet's weights.
        device: where it runs.
        offload: where it lies until it is loaded; None is `device`.
    """
    from comfy.model_patcher import ModelPatcher

    offload = offload or device
    config.set_inference_dtype(dtype, None)
    model: Any = config.get_model({}, "", device=offload)
    generator = torch.Generator(offload).manual_seed(0)
    for parameter in model.diffusion_model.parameters():
        spread = (3 / parameter[0].numel()) ** 0.5 if parameter.ndim > 1 else 0.1
        parameter.data = torch.empty_like(parameter).uniform_(-spread, spread, generator=generator)
    return ModelPatcher(model.eval().requires_grad_(False), load_device=device, offload_device=offload)


def people(model: Any, count: int, placed: str, tokens: int) -> Any:
    """A MODEL with people that have random tokens, keys and values at every cross-attention, loaded and offloaded with it.

    Args:
        model: a MODEL.
        count: of people.
        placed: "everywhere", "router", "hard" or "soft".
        tokens: of each.
    """
    from likeness.host.memory import manage
    from likeness.host.unet.attention import inject
    from likeness.host.unet.sites import find_sites, unet_of
    from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
    from likeness.models.adapters.identity_attention import Acting, IdentityResidual
    from likeness.models.uniportrait.application import Routed

    network = unet_of(model)
    like, width = next(network.parameters()), model.model.model_config.unet_config["context_dim"]
    widths = {str(site.index): site.channels for site in find_sites(network) if site.kind == "cross"}
    torch.manual_seed(0)
    with like.device:
        faces = torch.randn(count, tokens, width).to(like)
        attention = nn.ModuleDict({key: KeyValueProjection(width, channels) for key, channels in widths.items()})
        residual = IdentityResidual(
            attention=attention.to(like),
            tokens=faces,
            null_tokens=torch.randn(1, tokens, width).to(like),
            people=tuple(Acting(name=str(number), strength=0.7) for number in range(count)),
            placement=_placement(placed, faces, widths),
        )
    placement = residual.placement
    weights = [attention, *([placement.routers] if isinstance(placement, Routed) else [])]
    return inject(model, [residual], name="people", weights=[manage(part) for part in weights])


def _placement(placed: str, faces: torch.Tensor, widths: Mapping[str, int]) -> Placement:
    from likeness.models.placement.placements import Everywhere, Masks
    from likeness.models.uniportrait.application import Routed
    from likeness.models.uniportrait.id_routing import IDRouter

    count, tokens, width = faces.shape
    if placed == "everywhere":
        return Everywhere(count)
    if placed == "router":
        routers = {
            key: IDRouter(
                channels=channels, hidden_position=2 * channels, hidden_identity=2 * width, tokens=tokens, width=width
            )
            for key, channels in widths.items()
        }
        return Routed(nn.ModuleDict(routers).to(faces), faces)
    cells = 128
    columns = torch.arange(cells).div(cells / max(count, 2), rounding_mode="floor")  # one person has the left half
    stripes = [(columns == number).float().expand(1, cells, cells).contiguous() for number in range(count)]
    return Masks(tuple(stripes if placed == "hard" else [0.1 + 0.8 * stripe for stripe in stripes]))
