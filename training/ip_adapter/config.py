"""What a configuration file says for IP-Adapter FaceID. Numbers: IP-Adapter (arXiv:2308.06721), section 4.1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from ...models.config.keys import Default
from ...models.config.types import Count, File, Probability
from ..config.run import AdapterConfig, Papers
from ..config.sections import BaseConfig, MethodConfig, PublishedExportConfig

RANK = 128  # of the published LoRA
Recogniser = Annotated[
    File,
    "ArcFace recogniser as an ONNX file, as Load IP-Adapter takes it",
    Default("required where faces are told apart: by FaceID and FaceStudio"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecogniserBaseConfig(BaseConfig):
    """The frozen networks, and the one that tells people apart."""

    recogniser: Recogniser


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceIDMethodConfig(MethodConfig):
    """What is trained and left out."""

    rank: Annotated[Count | None, "rank of the LoRA", Default(f"{RANK} without `init_from`")] = None
    init_from: Annotated[
        File | None, "adapter to start from: an export of ours or a published ip-adapter-faceid file"
    ] = None
    drop_face: Annotated[Probability, "how often the picture is trained without faces, for guidance"] = 0.05
    drop_text: Annotated[Probability, "FaceID: how often the picture is trained without its prompt"] = 0.05
    drop_both: Annotated[Probability, "FaceID: how often it is trained without either"] = 0.05

    def faults(self) -> Iterator[str]:
        """No picture loses more than one of the three."""
        together = self.drop_face + self.drop_text + self.drop_both
        if together > 1:
            yield (
                f"[method] drop_face, drop_text and drop_both are {together:.6g} together, and no picture loses more than one of "
                "them; give at most 1."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceIDConfig(AdapterConfig):
    """The training of FaceID."""

    name: ClassVar[str] = "ip-adapter-faceid"
    title: ClassVar[str] = "IP-Adapter FaceID"
    place: ClassVar[str] = "for FaceID"
    papers: ClassVar[Papers] = Papers(steps=1_000_000, learning_rate=1e-4, people=(1, 1))

    base: RecogniserBaseConfig
    method: FaceIDMethodConfig = field(default_factory=FaceIDMethodConfig)
    export: PublishedExportConfig = field(default_factory=PublishedExportConfig)
