"""A ComfyUI inside this process: full-size random models, and people applied by the pack's own host code."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from likeness.models.people.remembered import RememberedBackbone, RememberedImageEncoder
from likeness.models.port.attention import Polarity
from likeness.tests.people import PixelMaps, PixelTokens, PixelVectors
from likeness.tools.caches import write_elsewhere
from likeness.tools.comfyui.folders import VARIABLE, find_comfy_folders
from likeness.tools.weights.layouts import UNetShape, unet
from likeness.tools.weights.write import BACKBONE, CHECKPOINT, FACEID, FACEID_PLUS, ROUTER, WeightFile, make

from .operations import count_flops

TEXT_TOKENS = 77
TIMESTEP = 500
CLIP_WIDTH = 1280  # of ViT-H
FACE_WIDTH = 512  # of ArcFace
MAP_CHANNELS = (64, 128, 256, 512)  # of the four maps of IR-101
META = torch.device("meta")  # tensors without values: shapes and FLOPs of a full-size network, at no cost


def parser(description: str | None) -> argparse.ArgumentParser:
    """Arguments that every program here has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--comfyui", type=Path, default=os.environ.get("LIKENESS_COMFYUI"), help="ComfyUI's folder")
    made.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    return made


@contextmanager
def comfyui(named: Path | None, *, on_cpu: bool = True) -> Iterator[tuple[Path, str]]:
    """Make ComfyUI importable, writing nothing into its folder.

    Args:
        named: its folder; None looks for one.
        on_cpu: whether it shall leave a card alone.

    Yields:
        Its folder and version.
    """
    folder = named or next((found.path for found in find_comfy_folders()), None)
    if folder is None:
        raise SystemExit(f"No ComfyUI found; set {VARIABLE} or give --comfyui.")
    elsewhere = write_elsewhere("benchmarks")
    sys.pycache_prefix = elsewhere["PYTHONPYCACHEPREFIX"]
    os.environ.update(elsewhere)
    sys.path.insert(0, str(folder))
    from comfy.cli_args import args
    from comfyui_version import __version__ as version

    with tempfile.TemporaryDirectory(prefix="likeness-bench-") as base:
        args.cpu, args.base_directory = on_cpu, base
        import_module("likeness.host.uniportrait.application")  # now, since ComfyUI's own imports take seconds
        with torch.inference_mode():
            yield folder, version


def load_model(checkpoint: WeightFile = CHECKPOINT) -> Any:
    """A MODEL with random weights, as CheckpointLoaderSimple gives it (float32 on the CPU)."""
    import comfy.sd

    model, *_ = comfy.sd.load_checkpoint_guess_config(str(make(checkpoint)), output_vae=False, output_clip=False)
    return model


def meta_model(shape: UNetShape) -> Any:
    """A MODEL whose UNet has a shape and no values, on the meta device, as ComfyUI builds it for such a checkpoint."""
    from comfy.ldm.modules.attention import attention_pytorch
    from comfy.model_detection import model_config_from_unet
    from comfy.model_patcher import ModelPatcher

    weights = {key: torch.empty(size, device=META) for key, size in unet(shape).items()}
    config: Any = model_config_from_unet(weights, "")
    config.set_inference_dtype(torch.float32, None)
    model = ModelPatcher(config.get_model(weights, "", device=META), load_device=META, offload_device=META)
    # ComfyUI's attention for the CPU asks the device how much memory is free.
    model.model_options["transformer_options"]["optimized_attention_override"] = lambda _, *args, **kwargs: (
        attention_pytorch(*args, **kwargs)
    )
    return model


def adapter_files() -> tuple[Path, Path, Path]:
    """UniPortrait's faceid, backbone and router file with random weights, made at the first request."""
    return make(FACEID), make(BACKBONE), make(ROUTER)


def load_adapter(faceid: Path, backbone: Path, router: Path) -> Any:
    """The three files as the loader node gives them, with encoders that know random features of the published sizes."""
    from likeness.host.uniportrait.adapter import load_uniportrait

    return with_random_features(load_uniportrait(faceid, backbone, router))


def with_random_features(uniportrait: Any) -> Any:
    """An adapter whose encoders answer with random features, remembered as those of the real networks are."""
    clip, backbone = PixelTokens(CLIP_WIDTH, "benchmark"), PixelMaps(MAP_CHANNELS, "benchmark")
    return replace(uniportrait, clip=RememberedImageEncoder(clip), backbone=RememberedBackbone(backbone))


def load_faceid() -> Any:
    """IP-Adapter FaceID PlusV2 for SD1.5 with random weights, its encoders as those of `with_random_features`."""
    from likeness.host.ip_adapter.adapter import new_ip_adapter
    from likeness.models.ip_adapter.checkpoint import load
    from likeness.models.ip_adapter.encoders import IPAdapterEncoders

    clip = RememberedImageEncoder(PixelTokens(CLIP_WIDTH, "benchmark"))
    encoders = IPAdapterEncoders(clip=clip, recogniser=PixelVectors(FACE_WIDTH, "benchmark"))
    return replace(new_ip_adapter(load(make(FACEID_PLUS), dtype=torch.float32)), encoders=encoders)


def unet_call(
    model: Any,
    side: int,
    owners: tuple[int, ...] = (),
    named_rows: tuple[tuple[int, int], ...] = (),
    text_tokens: int = TEXT_TOKENS,
) -> Callable[[], torch.Tensor]:
    """One call of a MODEL's UNet with a guidance pair: a positive and a negative row in one batch.

    Args:
        model: of any width, with or without people.
        side: of the picture, pixels.
        owners: of every token of the positive text, the place of a person or -1; empty where nobody owns one.
        named_rows: rows of the positive text that name people: the person's place and the row.
        text_tokens: length of both texts.
    """
    from likeness.host.sampling.conds import CondInfo
    from likeness.host.unet import keys
    from likeness.host.unet.tiles import StepLatents
    from likeness.models.port.attention import Run

    network, config = model.model.diffusion_model, model.model.model_config.unet_config
    weight = next(network.parameters())
    like = torch.empty(0, dtype=model.model.manual_cast_dtype or weight.dtype, device=weight.device)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 4, side // 8, side // 8, generator=generator).repeat(2, 1, 1, 1).to(like)
    inputs = {"context": torch.randn(2, text_tokens, config["context_dim"], generator=generator).to(like)}
    if config.get("adm_in_channels"):
        inputs["y"] = torch.randn(2, config["adm_in_channels"], generator=generator).to(like)
    positive = CondInfo(
        Polarity.POSITIVE, owners=owners, named_rows=named_rows, length=text_tokens if named_rows else 0
    )
    infos = (positive, CondInfo(Polarity.NEGATIVE))
    conds = {uuid.uuid4(): info for info in infos}
    timesteps = torch.full((2,), float(TIMESTEP))
    sigmas = model.get_model_object("model_sampling").sigma(timesteps)
    if not weight.is_meta:  # where noise levels have to stay readable
        timesteps, sigmas = timesteps.to(weight.device), sigmas.to(weight.device)
    options = {
        **model.model_options["transformer_options"],
        "wrappers": model.wrappers,
        "cond_or_uncond": [0, 1],
        "uuids": list(conds),
        "sigmas": sigmas,
        keys.CONDS: conds,
        keys.RUN: Run(),
        keys.STEP: StepLatents(x[:1], timesteps, None, {}),
    }
    timesteps = timesteps.to(weight.device)
    return lambda: network(x, timesteps, **inputs, transformer_options=dict(options))


def flops(call: Callable[[], torch.Tensor]) -> int:
    """Floating point operations of a call's matrix products, convolutions and attention."""
    call()  # the first call of a run also projects the people's keys and values, once
    return count_flops(call)
