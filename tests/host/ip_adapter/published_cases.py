"""The stored IP-Adapter cases in ComfyUI's classes: the UNet, the adapter out of a file as published, one call."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from likeness.tests.parity.folder import Folder, folder_of
from likeness.tests.parity.ip_adapter.cases import HERE
from likeness.tests.parity.recipe import Case, Comparison, report, weight
from safetensors.torch import save_file
from torch import Tensor

TIME_WIDTH = 8  # of each number that SDXL is told of the picture's size
UPSCALER = "class_embedding."  # its name for what SDXL calls add_embedding
SIZES: dict[str, dict[str, Any]] = {
    "sd15": {
        "num_res_blocks": [2, 2, 2, 2],
        "channel_mult": [1, 2, 4, 4],
        "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
        "transformer_depth_middle": 1,
        "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        "use_linear_in_transformer": False,
        "adm_in_channels": None,
    },
    "sdxl": {
        "num_res_blocks": [2, 2, 2],
        "channel_mult": [1, 2, 2],
        "transformer_depth": [0, 0, 2, 2, 10, 10],
        "transformer_depth_middle": 10,
        "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
        "use_linear_in_transformer": True,
        "adm_in_channels": 72,
        "num_classes": "sequential",
    },
}


class Layer(NamedTuple):
    """A cross-attention layer as the reference numbers it.

    Attributes:
        number: N in the keys of a file.
        block: what ComfyUI's patches are told, (stage, block, transformer).
        path: of the module in ComfyUI's UNet.
        order: of execution; layers of one transformer share it.
    """

    number: int
    block: tuple[str, int, int]
    path: str
    order: int


def folder() -> Folder:
    """Full cases where there are some, else those of the repository."""
    return folder_of("ipadapter", HERE)


def stored(name: str) -> Case:
    return Case.read(folder(), name)


def cross_layers(kind: str) -> tuple[Layer, ...]:
    """The reference's own table of cross-attention layers, "sd15" or "sdxl"."""
    table = json.loads((folder().path / f"index_{kind}.json").read_text(encoding="utf-8"))
    return tuple(
        Layer(row["index"], (*row["comfy_block"], row["block_index"]), row["ldm"], row["comfy_transformer_index"])
        for row in table
        if row["ldm"].endswith("attn2")
    )


def faults(label: str, got: Tensor, expected: Tensor, tolerance: dict[str, float]) -> list[str]:
    """What lies outside the tolerance, one line each; the worst difference goes to the log."""
    comparison = Comparison(label, got, expected, **tolerance)
    logging.getLogger(__name__).info("%s: %.2e, %.4f", label, comparison.worst, comparison.share_of_tolerance)
    return report([comparison])


def unet_model(case: Case, kind: str) -> Any:
    """A MODEL around the case's UNet, its weights by ComfyUI's own table of diffusers' key names."""
    from comfy import model_base, model_patcher, supported_models
    from comfy.utils import unet_to_diffusers

    about = case.about["unet_config"]
    config = {
        **SIZES[kind], "image_size": 16, "in_channels": 4, "out_channels": 4, "legacy": False, "num_head_channels": -1,
        "use_spatial_transformer": True, "use_temporal_attention": False, "use_temporal_resblock": False,
        "model_channels": about["block_out_channels"][0], "context_dim": about["cross_attention_dim"],
    }  # fmt: skip
    settings = supported_models.SD15(config)  # noise levels and latents are those of SD1.5
    settings.set_inference_dtype(torch.float32, None)
    model = model_base.BaseModel(settings, device=torch.device("cpu"))
    unet = model.diffusion_model
    shapes = {key: tensor.shape for key, tensor in unet.state_dict().items()}
    names = {ours: theirs for theirs, ours in unet_to_diffusers(config).items() if not theirs.startswith(UPSCALER)}
    found = {names[key]: list(shape) for key, shape in shapes.items()}
    listed = case.about["weights"].get("unet", found)  # only full cases list them
    assert found == listed
    unet.load_state_dict({key: weight("unet", names[key], shape) for key, shape in shapes.items()}, strict=True)
    _set_heads(unet, names, about["attention_head_dim"], len(about["block_out_channels"]))
    model.eval().requires_grad_(False)
    cpu = torch.device("cpu")
    return model_patcher.ModelPatcher(model, load_device=cpu, offload_device=cpu)


def _set_heads(unet: Any, names: dict[str, str], heads: int | Sequence[int], levels: int) -> None:
    """Give each level its number of heads: the case's SDXL has no head width that all levels share."""
    by_level = [heads] * levels if isinstance(heads, int) else heads
    for path, module in unet.named_modules():
        if path.rpartition(".")[2] not in ("attn1", "attn2"):
            continue
        stage, number = names[f"{path}.to_q.weight"].split(".")[:2]
        level = {"down_blocks": int, "up_blocks": lambda n: levels - 1 - int(n)}.get(stage, lambda _: -1)(number)
        block = unet.get_submodule(path.rpartition(".")[0])
        module.heads = block.n_heads = by_level[level]
        module.dim_head = block.d_head = module.to_q.out_features // by_level[level]


def adapter_file(case: Case, path: Path) -> Path:
    """Write the case's adapter in the form in which it was published, and say where it lies."""
    groups = {name: case.weights(name) for name in ("image_proj", "ip_adapter")}
    if case.about.get("file_form", "nested").startswith("nested"):
        file = path / f"{case.about['case']}.bin"
        torch.save(groups, file)
    else:
        file = path / f"{case.about['case']}.safetensors"
        save_file({f"{group}.{key}": tensor for group, of in groups.items() for key, tensor in of.items()}, file)
    return file


def size_rows(case: Case) -> Tensor | None:
    """What SDXL is told beside the text, (B, 72): the pooled prompt and the six sizes; None for SD1.5."""
    from comfy.ldm.modules.diffusionmodules.openaimodel import Timestep

    if "in.pooled" not in case.tensors:
        return None
    sizes = case.tensors["in.time_ids"]
    embedded = Timestep(TIME_WIDTH)(sizes.flatten()).reshape(len(sizes), -1)
    return torch.cat([case.tensors["in.pooled"], embedded], dim=1)


def call_unet(patched: Any, case: Case, text: Tensor) -> Tensor:
    """One call of the case's batch, a negative row and then a positive one, with what a sampler tells the patches."""
    import comfy.model_management
    from likeness.host.sampling.conds import CondInfo
    from likeness.host.unet import keys
    from likeness.models.port.attention import Polarity

    conds = {uuid.uuid4(): CondInfo(polarity) for polarity in (Polarity.NEGATIVE, Polarity.POSITIVE)}
    latent = case.tensors["in.latent"]
    options = {
        **patched.model_options["transformer_options"],
        "wrappers": patched.wrappers,
        "cond_or_uncond": [1, 0],
        "uuids": list(conds),
        "sigmas": torch.ones(2),
        keys.CONDS: conds,
    }
    comfy.model_management.load_models_gpu([patched])
    try:
        return patched.model.diffusion_model(
            latent,
            torch.full((2,), float(case.about["timestep"])),
            context=text,
            y=size_rows(case),
            transformer_options=options,
        )
    finally:
        patched.detach()
