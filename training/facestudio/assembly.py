"""FaceStudio from a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...diffusers_host.base import Base
from ...diffusers_host.text_encoders import TextCondition, encode_prompts
from ...models.errors import InvalidSettingError
from ...models.face.insightface import ArcFace
from ...models.facestudio.checkpoint import FaceStudioAdapter, load
from ...models.facestudio.description import Description
from ...models.facestudio.hybrid import TOKENS
from ...models.weights.head import sha256
from ..assembled import Assembled, Registration, new_base, open_data, wanted_rows
from ..batches.examples import Crop
from ..batches.feature_store import FeatureStore
from ..ip_adapter.encode import face_vectors
from ..ip_adapter.pictures import cut_face
from ..references import Reference, find_references
from ..samples import SampleSheet, Sitter
from .batch import StyleBatch
from .config import FaceStudioConfig
from .encode import Caches, StylePictureEncoder, encode_styles, open_caches
from .method import FASTER, Dropping, FaceStudio
from .networks import RANK, FaceStudioNetworks, networks_of, new_networks
from .pictures import StyleDataset, cut_style
from .prior import assembly as prior_assembly
from .start import Start, root_mean_square_length, text_spread
from .style_network import StyleNetwork, load_style_network

VARIANTS = ("style and face", "face alone")  # rows of a sample sheet
MEASURED = 16  # pictures whose styles tell how long embeddings are


@dataclass(frozen=True, eq=False, slots=True)
class Likeness:
    """What the guidance of a sitter is made of.

    Attributes:
        style: of the picture around them with their face hidden, (1, E).
        face: (1, V).
    """

    style: Tensor
    face: Tensor


@dataclass(frozen=True, eq=False, slots=True)
class StyleSeat:
    """Makes the batches of a sample sheet, see `Seat`; its prompts are `VARIANTS`."""

    def __call__(self, prompts: Sequence[str], text: TextCondition, sitters: Sequence[Sitter], size: int) -> StyleBatch:
        """The one sitter in some variants."""
        del text
        [sitter], rows = sitters, len(prompts)
        shown: Likeness = sitter.features
        styled = torch.tensor([[prompt == VARIANTS[0]] for prompt in prompts], device=shown.style.device)
        return StyleBatch(
            positions=(0,) * rows,
            latents=torch.empty(rows, 0),  # only losses read these
            style=shown.style * styled,
            face=shown.face.expand(rows, -1),
            sizes=torch.tensor([[size, size, 0, 0, size, size]]).expand(rows, -1),
        )


def assemble_facestudio(config: FaceStudioConfig, device: torch.device) -> Assembled:
    """The method; raises as `assemble`."""
    source, recogniser = open_data(config), ArcFace(config.base.recogniser)
    recogniser.require()
    network = load_style_network(config.base.style_encoder, config.base.style, device)
    description = replace(network.description, face_width=recogniser.width, recogniser=config.base.recogniser.stem)
    dataset = StyleDataset(source, wanted_rows(config), seed=config.run.seed, square=network.square)
    sitters = _sitters(config, network, recogniser) if config.samples.every else ()
    # a UNet that is trained as a whole keeps all digits; autocast rounds them where it may
    whole = config.method.form == "full"
    base = new_base(config, device, dtype=torch.float32 if whole else None)
    caches = _caches(config, base, network, recogniser)
    if caches:
        dataset.is_cached = caches.hold
    start = _start(config, base, network, dataset, caches and caches.styles)
    method = _method(config, base, _networks(config, base, description, start))
    return Assembled(
        method=method,
        dataset=dataset,
        encode=StylePictureEncoder(
            base=base, network=network, recogniser=recogniser, caches=caches, seed=config.run.seed
        ),
        sheet=_new_sheet(config, method, sitters) if sitters else None,
        details=_details(config, description, start),
    )


METHODS = (Registration(FaceStudioConfig, assemble_facestudio), *prior_assembly.METHODS)


def _caches(config: FaceStudioConfig, base: Base, network: StyleNetwork, recogniser: ArcFace) -> Caches | None:
    folder = config.data.cache
    return open_caches(folder, base, network, recogniser) if isinstance(folder, Path) else None


def _start(
    config: FaceStudioConfig, base: Base, network: StyleNetwork, dataset: StyleDataset, store: FeatureStore | None
) -> Start | None:
    """How the shared layer begins, measured on the first pictures of the run; None where a file has it."""
    if config.method.init_from:
        return None
    styles: list[Crop] = [dataset[place].people[0].style for place in range(min(MEASURED, len(dataset)))]
    return Start(
        style=network.width,
        length=root_mean_square_length(encode_styles(network, styles, store)),
        spread=config.method.start or text_spread(base.text_encoders),
    )


def _method(config: FaceStudioConfig, base: Base, networks: FaceStudioNetworks) -> FaceStudio:
    asked = config.method
    for module in (networks.layer, networks.pooled, networks.attention, networks.lora):
        if module is not None:
            module.to(base.unet.device)
    return FaceStudio(
        base,
        networks,
        seed=config.run.seed,
        dropping=Dropping(style=asked.drop_style, face=asked.drop_face),
        faster=asked.faster or FASTER,
    )


def _networks(
    config: FaceStudioConfig, base: Base, description: Description, start: Start | None
) -> FaceStudioNetworks:
    """New ones, or those of a file.

    Raises:
        LikenessError: if the file to start from cannot be read or does not fit.
    """
    asked = config.method
    if start is not None:
        pooled = encode_prompts(base.text_encoders, [""]).pooled
        return new_networks(
            base.unet,
            start,
            seed=config.run.seed,
            form=asked.form,
            rank=asked.rank or RANK,
            tokens=asked.tokens or TOKENS,
            face=description.face_width,
            empty=None if pooled is None else pooled[0].float().cpu(),
        )
    path = asked.init_from or Path()
    adapter = load(path)
    _require_same_encoder(adapter, description, path)
    networks = networks_of(adapter, base.unet)
    held = {"form": networks.form, "rank": networks.lora and networks.lora.rank, "tokens": networks.layer.num_tokens}
    for name, value in held.items():
        if getattr(asked, name) not in (None, value):
            raise InvalidSettingError(
                f'[method] {name} is "{getattr(asked, name)}", but "{path.name}" has "{value}"; change it or name another file.'
            )
    return networks


def _require_same_encoder(adapter: FaceStudioAdapter, description: Description, path: Path) -> None:
    """Refuse a file that was trained with other networks, as far as it says.

    Names of recognisers are free, so of these only the width of their vectors counts; and a file may know no hashes.
    """
    theirs = adapter.description
    free: dict[str, Any] = {"recogniser": description.recogniser}
    if not theirs.sha256:
        free["sha256"] = description.sha256
    if replace(theirs, **free) != description:
        raise InvalidSettingError(
            f'"{path.name}" was trained with other CLIP models, other colours or another recogniser than [base] style and '
            f"recogniser name ({theirs.encoder}, {theirs.activation}, {theirs.recogniser}); name those that it was trained with."
        )


def _details(config: FaceStudioConfig, description: Description, start: Start | None) -> dict[str, Any]:
    began: Any = {"spread": start.spread, "style_length": start.length} if start else {"file": _name(config)}
    return {**description.metadata(), "form": config.method.form, "start": began}


def _name(config: FaceStudioConfig) -> str:
    path = config.method.init_from or Path()
    return f"{path.name} {sha256(path)}"


def _sitters(config: FaceStudioConfig, network: StyleNetwork, recogniser: ArcFace) -> tuple[Sitter, ...]:
    names, source = config.samples.references, open_data(config)
    faces: tuple[Reference, ...] = find_references(source, names, cut_face)
    styles = find_references(source, names, lambda picture, person: cut_style(picture, person, network.square))
    return tuple(
        Sitter(
            face,
            Likeness(
                style=network.embeddings(style.crop[None]),
                face=face_vectors(recogniser, face.crop[None]).to(network.device),
            ),
        )
        for face, style in zip(faces, styles, strict=True)
    )


def _new_sheet(config: FaceStudioConfig, method: FaceStudio, sitters: tuple[Sitter, ...]) -> SampleSheet:
    return SampleSheet(
        method=method,
        config=replace(config.samples, prompts=VARIANTS),
        size=config.data.size,
        sitters=sitters,
        together=False,
        text=TextCondition(tokens=torch.zeros(len(VARIANTS) + 1, 0, 0), pooled=None),
        seat=StyleSeat(),
    )
