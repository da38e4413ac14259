"""What a configuration file says for UniPortrait's two stages. Numbers: UniPortrait (arXiv:2408.05939), section 4.1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from ...models.config.keys import Default, Remedy
from ...models.config.rules import Number
from ...models.config.types import Count, File, Probability
from ..config.run import AdapterConfig, Papers
from ..config.sections import BaseConfig, MethodConfig, PublishedExportConfig
from .routing_loss import RoutingForm

RANK = 128  # of the published LoRA
Rank = Annotated[Count | None, "rank of the LoRA", Default(f"{RANK} without `init_from`")]
DropFace = Annotated[Probability, "how often the picture is trained without faces, for guidance"]
START = "adapter of the same paper to start from: an export of ours or a published faceid file; stage II needs one"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceBaseConfig(BaseConfig):
    """The frozen networks, and those that see faces."""

    clip_vision: Annotated[
        File,
        "OpenCLIP ViT-H/14 image encoder, as ComfyUI's CLIP vision loader takes it",
        Default("required by UniPortrait"),
    ]
    backbone: Annotated[File, "face backbone, as Load UniPortrait takes it", Default("required by UniPortrait")]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOneMethodConfig(MethodConfig):
    """What stage I trains and leaves out."""

    rank: Rank = None
    init_from: Annotated[File | None, START] = None
    drop_token: Annotated[Probability, "stage I: share of structure tokens that are hidden"] = 0.33
    drop_path: Annotated[float, Number(0, 1, below=True), "stage I: how often a structure layer is left out"] = 0.33
    drop_face: DropFace = 0.05
    swap_identity: Annotated[
        Probability, "stage I: how often the intrinsic branch sees another picture of a labelled person"
    ] = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTwoMethodConfig(MethodConfig):
    """What stage II trains and leaves out."""

    rank: Rank = None
    init_from: Annotated[File, START, Remedy("stage II freezes what stage I trained: name its export.")]
    init_router: Annotated[
        File | None, "stage II: routers to start from: an export of ours or a published router file"
    ] = None
    drop_face: DropFace = 0.05
    route_weight: Annotated[float, Number(0), "stage II: weight λ of the routing regularisation"] = 0.1
    route_loss: Annotated[
        RoutingForm,
        "stage II: whether that regularisation adds up the positions of a layer, as the paper's Eq. 4, or averages them",
    ] = "sum"
    tau: Annotated[float, Number(0, above=True), "stage II: temperature of the Gumbel softmax"] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UniPortraitConfig(AdapterConfig):
    """What both stages share."""

    title: ClassVar[str] = "a stage of UniPortrait"

    base: FaceBaseConfig
    method: StageOneMethodConfig | StageTwoMethodConfig
    export: PublishedExportConfig = field(default_factory=PublishedExportConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOneConfig(UniPortraitConfig):
    """Stage I: one person per picture."""

    name: ClassVar[str] = "uniportrait-stage1"
    place: ClassVar[str] = "in stage I"
    papers: ClassVar[Papers] = Papers(steps=300_000, learning_rate=1e-5, people=(1, 1))

    method: StageOneMethodConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTwoConfig(UniPortraitConfig):
    """Stage II: several people per picture."""

    name: ClassVar[str] = "uniportrait-stage2"
    place: ClassVar[str] = "in stage II"
    papers: ClassVar[Papers] = Papers(steps=150_000, learning_rate=1e-5, people=(2, 4))

    method: StageTwoMethodConfig
