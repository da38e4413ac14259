"""From a configuration to what the loop needs: data, frozen networks, the method, sample sheets."""

from __future__ import annotations

from typing import Any

import torch

from ..models.errors import InvalidSettingError
from ..models.uniportrait.checkpoint import load, load_backbone
from ..models.uniportrait.features import ReferenceFeatures
from .base import Base, load_base
from .config import STAGE1, TrainingConfig
from .dataset import PictureDataset
from .face_encoder import FaceEncoder
from .image_encoder import load_image_encoder
from .method import Method
from .references import Reference
from .row_index import Wanted
from .row_source import ManifestRows, RowSource, ShardRows
from .samples import SampleSheet, Sitter, encode_sheet
from .uniportrait_identities import Dropping
from .uniportrait_networks import UniPortraitNetworks, networks_of, new_networks, new_routers
from .uniportrait_stage1 import StageOne
from .uniportrait_stage2 import Routing, StageTwo

RANK = 128  # of the published LoRA
FROZEN_TYPES = {"no": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def open_data(config: TrainingConfig) -> RowSource:
    """The rows of the manifest or of the shards.

    Raises:
        MissingModelFileError: if there are none.
    """
    if config.data.manifest:
        return ManifestRows(config.data.manifest)
    return ShardRows(config.data.shards)


def new_dataset(config: TrainingConfig, source: RowSource) -> PictureDataset:
    """The pictures that the method trains on.

    Raises:
        InvalidSettingError: if there are none.
    """
    fewest, most = config.people
    return PictureDataset(
        source,
        Wanted(split=config.data.split, size=config.data.size, fewest=fewest, most=most),
        seed=config.run.seed,
        swap_identity=config.method.swap_identity if config.method.name == STAGE1 else 0.0,
    )


def new_base(config: TrainingConfig, device: torch.device) -> Base:
    """The frozen base model on a device; raises as `load_base`."""
    asked = config.base
    dtype = FROZEN_TYPES[config.precision.mixed]
    return load_base(asked.checkpoint, vae=asked.vae, family=asked.family, prediction=asked.prediction, dtype=dtype).to(
        device
    )


def new_face_encoder(config: TrainingConfig, device: torch.device) -> FaceEncoder:
    """The frozen face encoders on a device; raises as their loaders."""
    image_encoder = load_image_encoder(config.base.clip_vision, dtype=FROZEN_TYPES[config.precision.mixed])
    return FaceEncoder(backbone=load_backbone(config.base.backbone), image_encoder=image_encoder).to(device)


def new_method(config: TrainingConfig, base: Base, nobody: ReferenceFeatures) -> Method:
    """The method, attached to the base's UNet.

    Args:
        config: of the run.
        base: on the device that is trained on.
        nobody: the features of nobody.

    Raises:
        LikenessError: if the adapter to start from cannot be read or does not fit.
    """
    asked, seed = config.method, config.run.seed
    networks = _networks(config, base, nobody)
    if asked.name == STAGE1:
        dropping = Dropping(token=asked.drop_token, path=asked.drop_path, face=asked.drop_face)
        return StageOne(base, networks, nobody, dropping=dropping, seed=seed)
    if not networks.routers:
        networks.routers = new_routers(networks, seed=seed)
    for frozen in (networks.id_embedding, networks.attention):  # accelerate moves only what is trained
        frozen.to(nobody.intrinsic.device)
    routing = Routing(weight=asked.route_weight, tau=asked.tau, drop_face=asked.drop_face)
    return StageTwo(base, networks, nobody, routing=routing, seed=seed)


def new_sheet(
    config: TrainingConfig, method: Method, faces: FaceEncoder, references: tuple[Reference, ...]
) -> SampleSheet:
    """The sample grid of a run."""
    return SampleSheet(
        method=method,
        config=config.samples,
        size=config.data.size,
        sitters=tuple(Sitter(reference, faces.features(reference.crop[None])) for reference in references),
        together=config.method.name != STAGE1,
        text=encode_sheet(method.base, config.samples),
    )


def export_details(config: TrainingConfig, base: Base, step: int) -> dict[str, Any]:
    """What an adapter says about its training."""
    data = config.data.manifest.name if config.data.manifest else ", ".join(config.data.shards)
    fewest, most = config.people
    return {
        "method": config.method.name,
        "base": base.family,
        "prediction": base.prediction,
        "step": step,
        "seed": config.run.seed,
        "size": config.data.size,
        "people": [fewest, most],
        "data": data,
        "base_checkpoint": config.base.checkpoint.name,
        "clip_vision": config.base.clip_vision.name,
        "backbone": config.base.backbone.name,
    }


def _networks(config: TrainingConfig, base: Base, nobody: ReferenceFeatures) -> UniPortraitNetworks:
    asked = config.method
    if asked.init_from is None:
        return new_networks(base.unet, nobody, rank=asked.rank or RANK, seed=config.run.seed)
    networks = networks_of(load(asked.init_from, asked.init_router), base.unet)
    down, _ = next(iter(next(iter(networks.lora.pairs().values())).values()))
    if asked.rank not in (None, down.shape[0]):
        raise InvalidSettingError(
            f'[method] rank is {asked.rank}, but the LoRA of "{asked.init_from.name}" has {down.shape[0]}; remove rank or '
            "name another file."
        )
    return networks
