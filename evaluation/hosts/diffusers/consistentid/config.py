"""ConsistentID's part of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from .....models.config.keys import Default
from .....models.config.rules import Number
from .....models.consistentid.application import STRENGTH
from ....protocol.weights import WeightsFile
from ..config import PeopleConfig

Step = Annotated[int, Number(-1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistentIDConfig(PeopleConfig):
    """ConsistentID's files."""

    adapter: Annotated[WeightsFile, "ConsistentID-v1.bin, or ConsistentID_SDXL-v1.bin"]
    image_encoder: Annotated[WeightsFile, "CLIP ViT-H/14 of the published weights"]
    recogniser: Annotated[str, "tells faces apart: arcface, with w600k_r50.onnx"] = "arcface"
    recogniser_weights: Annotated[WeightsFile | None, "of the recogniser", Default("those it brings")] = None
    parser: Annotated[WeightsFile, "the face parser, face_parsing.pth"]
    mode: Annotated[
        Literal["auto", "published", "corrected"],
        "whether the published pipeline's mistakes are kept; auto corrects weights that were trained so",
    ] = "auto"
    merge_step: Annotated[
        Step | None,
        "the last step, counted from 0, that reads the text alone (corrected: the first that reads the regions too); -1 merges "
        "at once",
        Default("three fifths of the steps, as the published 30 of 50"),
    ] = None
    strength: Annotated[float, Number(0, 2), "of the person"] = STRENGTH
