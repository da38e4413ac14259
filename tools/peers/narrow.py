"""InstantID's and PuLID's own nodes beside ours on a narrow UNet with SDXL's layers, inside one ComfyUI's Python.

    <that ComfyUI's python> -m likeness.tools.peers.narrow COMFYUI_FOLDER NAME PACK_FOLDER METHOD

`peers` starts it. What these packs would download (detector, parser, EVA-CLIP) is replaced by stand-ins that give
fixed numbers; their identity encoders have random weights; their nodes, patches and attention are the packs' own.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .packs import INSTANTID, OURS, PEER, PULID, compare
from .process import load_pack, prepare, sample_two_steps

CONTEXT = 24
SIDE = 16  # of the latent
TOKENS = 4
RANK = 4
CROP = 512
SDXL_LAYERS = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "num_res_blocks": [2, 2, 2],
    "channel_mult": [1, 2, 4],
    "transformer_depth": [0, 0, 2, 2, 10, 10],
    "transformer_depth_middle": 10,
    "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
    "use_spatial_transformer": True,
    "use_linear_in_transformer": True,
    "num_heads": -1,
    "num_head_channels": 16,
    "context_dim": CONTEXT,
    "adm_in_channels": None,
    "use_temporal_attention": False,
    "use_temporal_resblock": False,
    "legacy": False,
}


def main() -> int:
    """Compare one pack with ours and print one line."""
    comfyui, name, pack, method = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
    with tempfile.TemporaryDirectory(prefix="likeness-peers-") as base:
        prepare(comfyui, base)
        with torch.inference_mode():
            model = narrow_model()
            peer = {INSTANTID: instantid, PULID: pulid}[name](load_pack(pack), model)
            ours = {"uniportrait": uniportrait, "consistentid": consistentid}[method]
            appliers = {OURS: ours(model), PEER: peer}
            found = compare(Applied(model, appliers).sample)
    print(f"  {method} and {name}, narrow UNet with SDXL's layers, 2 steps: {found}", flush=True)
    return 0


class Applied:
    """A MODEL with adapters on it; what came before the last adapter is kept, as ComfyUI's cache keeps it."""

    def __init__(self, model: Any, appliers: dict[str, Callable[[Any], Any]]) -> None:
        self._models: dict[tuple[str, ...], Any] = {(): model}
        self._appliers = appliers

    def sample(self, adapters: tuple[str, ...], number: int) -> Tensor:
        """Apply the last adapter anew and sample two steps."""
        before = self._before(adapters[:-1])
        model = self._appliers[adapters[-1]](before) if adapters else before
        return sample_two_steps(model, side=SIDE, context=CONTEXT)

    def _before(self, adapters: tuple[str, ...]) -> Any:
        if adapters not in self._models:
            self._models[adapters] = self._appliers[adapters[-1]](self._before(adapters[:-1]))
        return self._models[adapters]


def narrow_model() -> Any:
    """A MODEL with SDXL's 70 cross-attention layers, 32 to 128 wide, random weights."""
    from comfy import model_base, model_patcher, supported_models

    config = supported_models.SD15(dict(SDXL_LAYERS))  # sampling and latents of SD1.5 need no pooled text
    config.set_inference_dtype(torch.float32, None)
    model = model_base.BaseModel(config, device=torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    for parameter in model.diffusion_model.parameters():
        spread = 0.1 if parameter.ndim == 1 else parameter[0].numel() ** -0.5
        parameter.data = torch.randn(parameter.shape, generator=generator) * spread
    model.eval().requires_grad_(False)
    cpu = torch.device("cpu")
    return model_patcher.ModelPatcher(model, load_device=cpu, offload_device=cpu)


def uniportrait(model: Any) -> Callable[[Any], Any]:
    """Two people with random keys, values and routers for every cross-attention layer."""
    from ...host.unet.attention import inject
    from ...models.adapters.decoupled_cross_attention import KeyValueProjection
    from ...models.adapters.identity_attention import Acting, IdentityResidual
    from ...models.placement.windows import ALWAYS
    from ...models.uniportrait.application import Routed
    from ...models.uniportrait.id_routing import IDRouter

    torch.manual_seed(1)
    attention, routers = nn.ModuleDict(), nn.ModuleDict()
    for index, channels in _cross_layers(model):
        attention[str(index)] = KeyValueProjection(CONTEXT, channels)
        routers[str(index)] = IDRouter(
            channels=channels, hidden_position=2 * channels, hidden_identity=2 * CONTEXT, tokens=TOKENS, width=CONTEXT
        )
    attention.requires_grad_(False)
    routers.requires_grad_(False)
    tokens = torch.randn(2, TOKENS, CONTEXT)
    residual = IdentityResidual(
        attention=attention,
        tokens=tokens,
        null_tokens=torch.randn(1, TOKENS, CONTEXT),
        people=tuple(Acting(name=name, strength=0.7, window=ALWAYS) for name in ("person 1", "person 2")),
        placement=Routed(routers, tokens),
    )
    return lambda before: inject(before, [residual], name="peers")


def consistentid(model: Any) -> Callable[[Any], Any]:
    """One person with random keys and values for every cross-attention layer, and random LoRA in all attention layers."""
    from ...host.unet.attention import inject
    from ...host.unet.lora import add_lora
    from ...host.unet.sites import find_sites, unet_of
    from ...models.adapters.decoupled_cross_attention import KeyValueProjection
    from ...models.adapters.identity_attention import Acting, IdentityResidual
    from ...models.consistentid.application import ConsistentIDResidual
    from ...models.placement.placements import Everywhere

    torch.manual_seed(1)
    attention = nn.ModuleDict({str(i): KeyValueProjection(CONTEXT, channels) for i, channels in _cross_layers(model)})
    attention.requires_grad_(False)
    lora = {
        site.index: {
            part: (
                torch.randn(RANK, CONTEXT if site.kind == "cross" and part in "kv" else site.channels) / 8,
                torch.randn(site.channels, RANK) / 8,
            )
            for part in ("q", "k", "v", "out")
        }
        for site in find_sites(unet_of(model))
    }
    residual = ConsistentIDResidual(
        IdentityResidual(
            attention=attention,
            tokens=torch.randn(1, TOKENS, CONTEXT),
            null_tokens=torch.randn(1, TOKENS, CONTEXT),
            people=(Acting(name="person 1", strength=1.0),),
            placement=Everywhere(1),
        )
    )

    def apply(before: Any) -> Any:
        after = inject(before, [residual], name="peers")
        add_lora(after, lora, 1.0)
        return after

    return apply


def instantid(pack: ModuleType, model: Any) -> Callable[[Any], Any]:
    """InstantID's "Patch Attention" node with a random adapter."""
    code = sys.modules[f"{pack.__name__}.InstantID"]
    encoder = code.Resampler(
        dim=1280, depth=4, dim_head=64, heads=20, num_queries=16, embedding_dim=512, output_dim=CONTEXT, ff_mult=4
    )
    adapter = code.InstantID(
        {"image_proj": encoder.state_dict(), "ip_adapter": _keys_and_values(model, CONTEXT)},
        output_cross_attention_dim=CONTEXT,
    )
    node = code.InstantIDAttentionPatch()
    picture = torch.rand(1, CROP, CROP, 3, generator=torch.Generator().manual_seed(2))
    return lambda before: node.patch_attention(adapter, FixedFaces(), picture, before, 0.8, 0.0, 1.0)[0]


def pulid(pack: ModuleType, model: Any) -> Callable[[Any], Any]:
    """PuLID's "Apply PuLID" node with a random adapter and its default method, which looks at the other attention."""
    code: Any = sys.modules[f"{pack.__name__}.pulid"]
    code.FaceRestoreHelper = FixedCrop
    code.init_parsing_model = lambda **_: lambda face: [torch.zeros(1, 19, CROP, CROP)]
    encoder = code.IDEncoder()
    weights = {"image_proj": encoder.state_dict(), "ip_adapter": _keys_and_values(model, encoder.context_dim)}
    adapter = code.PulidModel(weights)
    node = code.ApplyPulid()
    picture = torch.rand(1, CROP, CROP, 3, generator=torch.Generator().manual_seed(2))
    return lambda before: node.apply_pulid(
        before, adapter, FixedVision(), FixedFaces(), picture, 0.8, 0.0, 1.0, method="fidelity"
    )[0]


class FixedFaces:
    """Stands in for insightface's analysis: one face, always the same."""

    class _Face(dict):
        __getattr__ = dict.__getitem__

    def __init__(self) -> None:
        self.det_model = type("Detector", (), {})()

    def get(self, picture: np.ndarray) -> list[Any]:
        """One face with a fixed embedding."""
        embedding = torch.randn(512, generator=torch.Generator().manual_seed(3)).numpy()
        return [self._Face(bbox=np.array([96.0, 96.0, 400.0, 400.0]), embedding=embedding)]


class FixedCrop:
    """Stands in for facexlib's helper: gives the picture's own pixels as the aligned face."""

    def __init__(self, **_: Any) -> None:
        self.face_parse = None
        self.cropped_faces: list[np.ndarray] = []

    def clean_all(self) -> None:
        """Forget everything."""

    def read_image(self, picture: np.ndarray) -> None:
        """Take a picture of the size of a crop."""
        self.cropped_faces = [picture]

    def get_face_landmarks_5(self, **_: Any) -> None:
        """Nothing to find."""

    def align_warp_face(self) -> None:
        """Nothing to align."""


class FixedVision(nn.Module):
    """Stands in for EVA-CLIP: fixed features of its shapes."""

    image_size = 336
    image_mean = (0.5, 0.5, 0.5)
    image_std = (0.5, 0.5, 0.5)

    def forward(self, picture: Tensor, **_: Any) -> tuple[Tensor, list[Tensor]]:
        """(1, 768) and five times (1, 577, 1024)."""
        generator = torch.Generator().manual_seed(4)
        return (
            torch.randn(1, 768, generator=generator),
            [torch.randn(1, 577, 1024, generator=generator) for _ in range(5)],
        )


def _cross_layers(model: Any) -> list[tuple[int, int]]:
    """(index, width) of all cross-attention layers, in the order that both packs number them."""
    from ...host.unet.sites import find_sites, unet_of

    return [(site.index, site.channels) for site in find_sites(unet_of(model)) if site.kind == "cross"]


def _keys_and_values(model: Any, width: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(5)
    return {
        f"{index}.to_{part}_ip.weight": torch.randn(channels, width, generator=generator) * width**-0.5
        for index, channels in _cross_layers(model)
        for part in ("k", "v")
    }


if __name__ == "__main__":
    sys.exit(main())
