"""UniPortrait's two stages from a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from ...dataset.rows import RowSource
from ...diffusers_host.base import Base
from ...diffusers_host.face_encoder import FaceEncoder
from ...diffusers_host.image_encoder import load_image_encoder
from ...models.errors import InvalidSettingError
from ...models.uniportrait.checkpoint import load, load_backbone
from ...models.uniportrait.features import ReferenceFeatures
from ..assembled import FROZEN_TYPES, Assembled, new_base, open_data
from ..batches.index import Wanted
from ..config.run import STAGE1, TrainingConfig
from ..references import Reference, find_references
from ..samples import SampleSheet, Sitter, encode_sheet
from .encode import PictureEncoder, open_caches
from .networks import UniPortraitNetworks, networks_of, new_networks, new_routers
from .people import Dropping
from .pictures import PictureDataset
from .stage1 import StageOne
from .stage2 import Routing, StageTwo

RANK = 128  # of the published LoRA


def assemble_uniportrait(config: TrainingConfig, device: torch.device) -> Assembled:
    """One of the stages; raises as `assemble`."""
    source = open_data(config)
    references = find_references(source, config.samples.references) if config.samples.every else ()
    dataset = _new_dataset(config, source)  # before the large files are read: most mistakes are in the data
    base, faces = new_base(config, device), _new_face_encoder(config, device)
    caches = open_caches(config.data.cache, base, faces) if isinstance(config.data.cache, Path) else None
    if caches:
        dataset.is_cached = caches.hold
    method = _new_method(config, base, faces.nobody())
    return Assembled(
        method=method,
        dataset=dataset,
        encode=PictureEncoder(base=base, faces=faces, caches=caches, seed=config.run.seed),
        sheet=_new_sheet(config, method, faces, references) if references else None,
        details={
            name: cast(Path, getattr(config.base, name)).name for name in ("clip_vision", "backbone")
        },  # the configuration needs both
    )


def _new_dataset(config: TrainingConfig, source: RowSource) -> PictureDataset:
    fewest, most = config.people
    return PictureDataset(
        source,
        Wanted(split=config.data.split, size=config.data.size, fewest=fewest, most=most),
        seed=config.run.seed,
        swap_identity=config.method.swap_identity if config.method.name == STAGE1 else 0.0,
    )


def _new_face_encoder(config: TrainingConfig, device: torch.device) -> FaceEncoder:
    """The frozen face encoders on a device; raises as their loaders."""
    clip_vision, backbone = (cast(Path, path) for path in (config.base.clip_vision, config.base.backbone))
    image_encoder = load_image_encoder(clip_vision, dtype=FROZEN_TYPES[config.precision.mixed])
    return FaceEncoder(backbone=load_backbone(backbone), image_encoder=image_encoder).to(device)


def _new_method(config: TrainingConfig, base: Base, nobody: ReferenceFeatures) -> StageOne | StageTwo:
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


def _new_sheet(
    config: TrainingConfig, method: StageOne | StageTwo, faces: FaceEncoder, references: tuple[Reference, ...]
) -> SampleSheet:
    return SampleSheet(
        method=method,
        config=config.samples,
        size=config.data.size,
        sitters=tuple(Sitter(reference, faces.features(reference.crop[None])) for reference in references),
        together=config.method.name != STAGE1,
        text=encode_sheet(method.base, config.samples),
    )


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
