"""Small random weights of every kind, each written as one safetensors file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from likeness.models.adapters.resampler import ResamplerSizes
from likeness.models.consistentid.facial_encoder import FacialEncoder
from likeness.models.consistentid.id_projection import IDProjection
from likeness.models.face.iresnet import IResNet
from likeness.models.face.parsing import new_bisenet
from likeness.models.face.recognition.facenet import FaceNet
from likeness.models.miniature import files
from likeness.models.uniportrait.id_embedding import IDEmbedding
from likeness.tests.models.clip import small_priors
from likeness.tests.models.consistentid import conftest as consistentid
from likeness.tests.models.facestudio import small_adapter as facestudio
from likeness.tests.models.ip_adapter import small_files as ip_adapter
from likeness.tests.models.omniportrait.small_adapter import write_adapter
from likeness.tests.models.small_dino import weights as dino
from likeness.tests.models.uniportrait import conftest as uniportrait
from safetensors.torch import save_file
from torch import Tensor, nn


def flat(nested: Mapping[str, Any], before: str = "") -> dict[str, Tensor]:
    """Nested weights with dotted keys."""
    found: dict[str, Tensor] = {}
    for key, value in nested.items():
        found |= {f"{before}{key}": value} if isinstance(value, Tensor) else flat(value, f"{before}{key}.")
    return found


def _save(weights: Mapping[str, Any], path: Path, metadata: dict[str, str] | None = None) -> None:
    save_file({key: tensor.contiguous().clone() for key, tensor in flat(weights).items()}, path, metadata)


def _random(module: nn.Module) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        key: torch.randn(tensor.shape, generator=generator) * 0.1 if tensor.is_floating_point() else tensor
        for key, tensor in module.state_dict().items()
    }


def write_faceid(path: Path) -> None:
    """UniPortrait's faceid file."""
    layers = uniportrait._lora(_randn())
    for index, channels in uniportrait.WIDTHS.items():
        layers |= {f"{index}.to_{part}_faceid.weight": torch.ones(channels, uniportrait.SIZES.output) for part in "kv"}
    _save({"faceid_proj": _random(IDEmbedding(uniportrait.SIZES)), "faceid_adapter": layers}, path)


def write_router(path: Path) -> None:
    """UniPortrait's router file, which fits that faceid file."""
    randn, sizes = _randn(), uniportrait.SIZES
    layers = uniportrait._lora(randn)
    for index, channels in uniportrait.WIDTHS.items():
        shapes = {
            "to_q_router.0": (2 * channels, channels),
            "to_q_router.2": (channels, 2 * channels),
            "to_k_router.0": (24, sizes.output),
            "to_k_router.2": (channels, 24),
            "aggr_router": (1, sizes.tokens),
        }
        layers |= {f"{index}.{name}.weight": randn(*shape) for name, shape in shapes.items()}
        layers |= {
            f"{index}.{name}.bias": randn(shapes[name][0]) for name in ("to_q_router.0", "to_k_router.0", "aggr_router")
        }
    _save({"faceid_adapter": layers}, path)


def write_consistentid(path: Path) -> None:
    """ConsistentID's file."""
    width, clip, head = consistentid.WIDTH, consistentid.CLIP, consistentid.HEAD
    projection = ResamplerSizes(
        features=clip, dim=width, inner=width, dim_head=head, hidden=4 * width, depth=2, output=width
    )
    encoder = ResamplerSizes(features=clip, dim=24, inner=16, dim_head=head, hidden=48, depth=2, output=width)
    parts = {
        "image_proj": _random(IDProjection(consistentid.FACE, 20, consistentid.TOKENS, projection)),
        "FacialEncoder": _random(FacialEncoder(encoder)),
        "adapter_modules": consistentid.layers(),
    }
    _save(parts, path)


def write_backbone(path: Path) -> None:
    """A face backbone."""
    _save(_random(IResNet(4, [(4, 1), (6, 1), (8, 1), (10, 1)])), path)


def write_ip_adapter(path: Path) -> None:
    """An IP-Adapter with a face's projection and LoRA."""
    _save(ip_adapter.adapter_file("faceid plus"), path)


def write_parser(path: Path) -> None:
    """A face parser in its published size, for there is no other."""
    with torch.device("meta"):
        network = new_bisenet()
    _save({key: torch.zeros(tensor.shape, dtype=tensor.dtype) for key, tensor in network.state_dict().items()}, path)


def write_dino(path: Path) -> None:
    """DINO."""
    _save(dino(), path)


def write_omniportrait(path: Path) -> None:
    """OmniPortrait's pivot."""
    write_adapter(path)


def write_facestudio(path: Path) -> None:
    """FaceStudio."""
    _save(facestudio.small_weights(pooled=4), path, facestudio.DESCRIPTION.metadata())


def write_prior(path: Path) -> None:
    """A prior."""
    shutil.copyfile(files.WEIGHTS / "prior.safetensors", path)


def write_published_prior(path: Path) -> None:
    """A prior in the layout of diffusers, which says nothing about itself."""
    _save(small_priors.random_weights(), path)


def write_facenet(path: Path) -> None:
    """FaceNet in its published size, for there is no other."""
    with torch.device("meta"):
        network = FaceNet()
    _save({key: torch.zeros(tensor.shape, dtype=tensor.dtype) for key, tensor in network.state_dict().items()}, path)


def shipped(name: str) -> Any:
    """How one of the miniature's files is written."""
    return lambda path: shutil.copyfile(files.WEIGHTS / f"{name}.safetensors", path)


def _randn() -> Any:
    generator = torch.Generator().manual_seed(4)
    return lambda *shape: torch.randn(*shape, generator=generator)
