"""UniPortrait's two stages from a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from ...diffusers_host.base import Base
from ...diffusers_host.face_encoder import FaceEncoder
from ...diffusers_host.image_encoder import load_image_encoder
from ...models.uniportrait.checkpoint import load, load_backbone
from ...models.uniportrait.encode import ReferenceFeatures
from ..adapter_networks import require_rank
from ..assembled import FROZEN_TYPES, Assembled, Registration, new_base, open_data, wanted_rows
from ..references import Reference, find_references
from ..samples import SampleSheet, Sitter, encode_sheet
from .config import RANK, StageOneConfig, StageTwoConfig, UniPortraitConfig
from .encode import PictureEncoder, open_caches
from .networks import UniPortraitNetworks, networks_of, new_networks, new_routers
from .people import Dropping
from .pictures import PictureDataset
from .stage1 import StageOne
from .stage2 import Routing, StageTwo

C = TypeVar("C", bound=UniPortraitConfig)


def assemble_stage1(config: StageOneConfig, device: torch.device) -> Assembled:
    """Stage I; raises as `assemble`."""
    return _assemble(config, device, _new_stage1, swap_identity=config.method.swap_identity, together=False)


def assemble_stage2(config: StageTwoConfig, device: torch.device) -> Assembled:
    """Stage II; raises as `assemble`."""
    return _assemble(config, device, _new_stage2, swap_identity=0.0, together=True)


METHODS = (Registration(StageOneConfig, assemble_stage1), Registration(StageTwoConfig, assemble_stage2))


def _assemble(
    config: C,
    device: torch.device,
    new_method: Callable[[C, Base, ReferenceFeatures], StageOne | StageTwo],
    *,
    swap_identity: float,
    together: bool,
) -> Assembled:
    """What both stages share.

    Args:
        config: of the run.
        device: that is trained on.
        new_method: configuration, base and the features of nobody to the method, attached to the base's UNet.
        swap_identity: see `PictureDataset`.
        together: see `SampleSheet`.
    """
    source, wanted = open_data(config), wanted_rows(config)
    references = find_references(source, config.samples.references) if config.samples.every else ()
    # before the large files are read: most mistakes are in the data
    dataset = PictureDataset(source, wanted, seed=config.run.seed, swap_identity=swap_identity)
    base, faces = new_base(config, device), _new_face_encoder(config, device)
    caches = open_caches(config.data.cache, base, faces) if isinstance(config.data.cache, Path) else None
    if caches:
        dataset.is_cached = caches.hold
    method = new_method(config, base, faces.nobody())
    return Assembled(
        method=method,
        dataset=dataset,
        encode=PictureEncoder(base=base, faces=faces, caches=caches, seed=config.run.seed),
        sheet=_new_sheet(config, method, faces, references, together) if references else None,
        details={"clip_vision": config.base.clip_vision.name, "backbone": config.base.backbone.name},
    )


def _new_face_encoder(config: UniPortraitConfig, device: torch.device) -> FaceEncoder:
    """The frozen face encoders on a device; raises as their loaders."""
    image_encoder = load_image_encoder(config.base.clip_vision, dtype=FROZEN_TYPES[config.precision.mixed])
    return FaceEncoder(backbone=load_backbone(config.base.backbone), image_encoder=image_encoder).to(device)


def _new_stage1(config: StageOneConfig, base: Base, nobody: ReferenceFeatures) -> StageOne:
    asked = config.method
    dropping = Dropping(token=asked.drop_token, path=asked.drop_path, face=asked.drop_face)
    networks = _networks(config, base, nobody, routers=None)
    return StageOne(base, networks, nobody, dropping=dropping, seed=config.run.seed)


def _new_stage2(config: StageTwoConfig, base: Base, nobody: ReferenceFeatures) -> StageTwo:
    asked, seed = config.method, config.run.seed
    networks = _networks(config, base, nobody, routers=asked.init_router)
    if not networks.routers:
        networks.routers = new_routers(networks, seed=seed)
    for frozen in (networks.id_embedding, networks.attention):  # accelerate moves only what is trained
        frozen.to(nobody.intrinsic.device)
    routing = Routing(weight=asked.route_weight, form=asked.route_loss, tau=asked.tau, drop_face=asked.drop_face)
    return StageTwo(base, networks, nobody, routing=routing, seed=seed)


def _new_sheet(
    config: UniPortraitConfig,
    method: StageOne | StageTwo,
    faces: FaceEncoder,
    references: tuple[Reference, ...],
    together: bool,
) -> SampleSheet:
    return SampleSheet(
        method=method,
        config=config.samples,
        size=config.data.size,
        sitters=tuple(Sitter(reference, faces.features(reference.crop[None])) for reference in references),
        together=together,
        text=encode_sheet(method.base, config.samples),
    )


def _networks(
    config: UniPortraitConfig, base: Base, nobody: ReferenceFeatures, routers: Path | None
) -> UniPortraitNetworks:
    """New ones, or those of files.

    Raises:
        LikenessError: if the adapter to start from cannot be read or does not fit.
    """
    asked = config.method
    if asked.init_from is None:
        return new_networks(base.unet, nobody, rank=asked.rank or RANK, seed=config.run.seed)
    networks = networks_of(load(asked.init_from, routers), base.unet)
    require_rank(asked.rank, networks.lora, asked.init_from.name)
    return networks
