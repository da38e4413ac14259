"""IP-Adapter FaceID from a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...diffusers_host.base import Base
from ...diffusers_host.text_encoders import TextCondition
from ...models.face.insightface import ArcFace
from ...models.ip_adapter.checkpoint import load
from ..adapter_networks import require_rank
from ..assembled import Assembled, Registration, new_base, open_data, wanted_rows
from ..references import find_references
from ..samples import SampleSheet, Sitter, encode_sheet
from .batch import FaceBatch
from .config import RANK, FaceIDConfig
from .encode import FacePictureEncoder, face_vectors, open_caches
from .method import Dropping, FaceID
from .networks import FaceIDNetworks, networks_of, new_networks
from .pictures import FaceDataset, cut_face


@dataclass(frozen=True, eq=False, slots=True)
class FaceSeat:
    """Makes the batches of a sample sheet, see `Seat`.

    Attributes:
        text: of the prompts, the empty one last.
    """

    text: TextCondition

    def __call__(self, prompts: Sequence[str], text: TextCondition, sitters: Sequence[Sitter], size: int) -> FaceBatch:
        """The one sitter under each of some prompts."""
        del prompts
        [sitter], rows = sitters, len(text.tokens)
        vector: Tensor = sitter.features
        return FaceBatch(
            positions=(0,) * rows,
            latents=torch.empty(rows, 0),  # only losses read these
            text=text.tokens,
            empty=self.text.tokens[-1:],
            pooled=text.pooled,
            empty_pooled=None if self.text.pooled is None else self.text.pooled[-1:],
            sizes=torch.tensor([[size, size, 0, 0, size, size]]).expand(rows, -1),
            vectors=vector.expand(rows, -1),
        )


def assemble_faceid(config: FaceIDConfig, device: torch.device) -> Assembled:
    """The method; raises as `assemble`."""
    source, wanted = open_data(config), wanted_rows(config)
    references = find_references(source, config.samples.references, cut_face) if config.samples.every else ()
    dataset = FaceDataset(source, wanted, seed=config.run.seed)  # before the large files: most mistakes are in the data
    recogniser = ArcFace(config.base.recogniser)
    recogniser.require()
    sitters = tuple(Sitter(each, face_vectors(recogniser, each.crop[None])) for each in references)
    base = new_base(config, device)
    caches = open_caches(config.data.cache, base, recogniser) if isinstance(config.data.cache, Path) else None
    if caches:
        dataset.is_cached = caches.hold
    asked = config.method
    method = FaceID(
        base,
        _networks(config, base, recogniser.width),
        seed=config.run.seed,
        dropping=Dropping(face=asked.drop_face, text=asked.drop_text, both=asked.drop_both),
    )
    return Assembled(
        method=method,
        dataset=dataset,
        encode=FacePictureEncoder(base=base, recogniser=recogniser, caches=caches, seed=config.run.seed),
        sheet=_new_sheet(config, method, sitters) if sitters else None,
        details={"recogniser": config.base.recogniser.name},
    )


METHODS = (Registration(FaceIDConfig, assemble_faceid),)


def _new_sheet(config: FaceIDConfig, method: FaceID, sitters: tuple[Sitter, ...]) -> SampleSheet:
    text = encode_sheet(method.base, config.samples)
    return SampleSheet(
        method=method,
        config=config.samples,
        size=config.data.size,
        sitters=sitters,
        together=False,
        text=text,
        seat=FaceSeat(text),
    )


def _networks(config: FaceIDConfig, base: Base, vector: int) -> FaceIDNetworks:
    """New ones, or those of a file.

    Raises:
        LikenessError: if the adapter to start from cannot be read or does not fit.
    """
    asked = config.method
    if asked.init_from is None:
        return new_networks(base.unet, vector=vector, rank=asked.rank or RANK, seed=config.run.seed)
    networks = networks_of(load(asked.init_from), base.unet)
    require_rank(asked.rank, networks.lora, asked.init_from.name)
    return networks
