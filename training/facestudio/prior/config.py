"""What a configuration file says for FaceStudio's prior. Learning rate and drop: unCLIP (arXiv:2204.06125), table 3 and section 2.2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from ....models.config.keys import Default
from ....models.config.rules import Number
from ....models.config.types import Count, File, Probability
from ...config.run import Papers, TrainingConfig
from ...config.sections import FrozenConfig, MethodConfig, PrecisionConfig, SamplesConfig
from ..config import StyleDataConfig, StyleEncoder, StyleFiles, style_faults
from .method import DROP

WIDTH, DEPTH, HEAD = 1024, 12, 64  # a quarter of the published priors' weights; our choice
MEASURED = 1024
FROM_FILE = "without `init_from`"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorBaseConfig(FrozenConfig):
    """The frozen networks: those that look at pictures, and the one that reads."""

    style_encoder: StyleEncoder = "vitl"
    style: StyleFiles
    text_tower: Annotated[
        File,
        "prior: OpenAI's CLIP ViT-L/14 text encoder with its text projection, in transformers' layout",
        Default("required by FaceStudio's prior"),
    ]

    def faults(self) -> Iterator[str]:
        """As many files as models."""
        yield from style_faults(self.style_encoder, self.style)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorMethodConfig(MethodConfig):
    """How large the prior is and what it learns."""

    init_from: Annotated[File | None, "prior to start from"] = None
    width: Annotated[Count | None, "prior: channels of its tokens", Default(f"{WIDTH} {FROM_FILE}")] = None
    depth: Annotated[Count | None, "prior: number of blocks", Default(f"{DEPTH} {FROM_FILE}")] = None
    dim_head: Annotated[
        Count | None,
        "prior: channels of an attention head, which divide those of a token",
        Default(f"{HEAD} {FROM_FILE}"),
    ] = None
    hide_faces: Annotated[
        bool, "prior: whether it predicts pictures whose faces are hidden, as FaceStudio's styles"
    ] = True
    measured: Annotated[
        int, Number(2), "prior: pictures that mean and spread of embeddings are measured on, before anything is learned"
    ] = MEASURED
    drop_caption: Annotated[Probability, "prior: how often the caption is left out, for guidance"] = DROP

    def faults(self) -> Iterator[str]:
        """Sizes from the file or from here, and heads that fit."""
        for name in ("width", "depth", "dim_head"):
            if self.init_from and getattr(self, name) is not None:
                yield f"[method] {name} is given, but the prior in init_from has one; remove it."
        width, head = self.width or WIDTH, self.dim_head or HEAD
        if width % head or width % 2:
            yield f"[method] width is {width} and dim_head is {head}; choose an even width that dim_head divides."


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorPrecisionConfig(PrecisionConfig):
    """Memory and speed."""

    def faults(self) -> Iterator[str]:
        """Nothing that has no effect."""
        if self.gradient_checkpointing:
            yield "[precision] gradient_checkpointing is true, but a prior has nothing that it saves; remove it."


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorSamplesConfig(SamplesConfig):
    """A prior draws no pictures."""

    def faults(self) -> Iterator[str]:
        """Nothing that has no effect."""
        if self.every:
            yield f"[samples] every is {self.every}, but a prior draws no pictures; remove it."


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorConfig(TrainingConfig):
    """The training of the prior."""

    name: ClassVar[str] = "facestudio-prior"
    title: ClassVar[str] = "FaceStudio's prior"
    place: ClassVar[str] = "for its prior"
    papers: ClassVar[Papers] = Papers(steps=100_000, learning_rate=1.1e-4, people=(0, 16))
    reads: ClassVar[tuple[str, ...]] = ("human", "persons.parse")

    base: PriorBaseConfig
    method: PriorMethodConfig = field(default_factory=PriorMethodConfig)
    data: StyleDataConfig
    precision: PriorPrecisionConfig = field(default_factory=PriorPrecisionConfig)
    samples: PriorSamplesConfig = field(default_factory=PriorSamplesConfig)
