"""UniPortrait's part of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from .....models.config.keys import Default
from .....models.config.rules import Number
from .....models.uniportrait.application import AUTO, STRENGTH
from ....protocol.weights import WeightsFile
from ..config import PeopleConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class UniPortraitConfig(PeopleConfig):
    """UniPortrait's files."""

    adapter: Annotated[WeightsFile, "the faceid file, uniportrait-faceid_sd15.bin"]
    router: Annotated[
        WeightsFile | None, "the router file, uniportrait-router_sd15.bin; several people need it", Default("none")
    ] = None
    image_encoder: Annotated[WeightsFile, "CLIP ViT-H/14 of the published weights"]
    backbone: Annotated[WeightsFile, "the face backbone, glint360k_curricular_face_r101_backbone.bin"]
    strength: Annotated[float, Number(0, 2), "of the people"] = STRENGTH
    structure_scale: Annotated[
        float, Number(-1, 1), "of the face's structure, 0–1", Default("0.1 for one person, 0.3 for several")
    ] = AUTO
