"""IP-Adapter's part of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from .....models.config.keys import Default
from .....models.config.rules import Choice, Number
from .....models.ip_adapter.application import STRENGTH
from .....models.ip_adapter.kinds import AUTO, VERSIONS
from ....protocol.weights import WeightsFile
from ..config import PeopleConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class IPAdapterConfig(PeopleConfig):
    """IP-Adapter's files; which encoder is needed, its own file says."""

    adapter: Annotated[WeightsFile, "any of its files for SD1.5 or SDXL, of FaceID or of pictures"]
    lora: Annotated[WeightsFile | None, "the LoRA that is published beside a FaceID file", Default("none")] = None
    version: Annotated[str, Choice((AUTO, *VERSIONS)), "what the file is"] = AUTO
    image_encoder: Annotated[WeightsFile | None, "the CLIP that it was trained with", Default("none")] = None
    recogniser: Annotated[str | None, "tells the faces of FaceID apart: arcface", Default("none")] = None
    recogniser_weights: Annotated[WeightsFile | None, "of the recogniser", Default("those it brings")] = None
    strength: Annotated[float, Number(0, 2), "of the person"] = STRENGTH
    s_scale: Annotated[float, Number(0), "how much FaceID PlusV2 takes from CLIP"] = 1.0
