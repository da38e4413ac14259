"""What a configuration file says for FaceStudio. Numbers of the full form and of what is left out: FaceStudio (arXiv:2312.02663), section 4.1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from ...models.config.keys import Default, PapersOwn
from ...models.config.rules import Number
from ...models.config.types import ASCENDING, Count, File, Probability
from ...models.facestudio.description import NETWORKS
from ...models.facestudio.hybrid import TOKENS
from ..config.run import AdapterConfig, Papers
from ..config.sections import BaseConfig, DataConfig, MethodConfig, SamplesConfig
from ..ip_adapter.config import Recogniser
from .method import FASTER, PAPERS
from .networks import RANK, Form
from .style_network import Kind

PEOPLE = (0, 1)
LIGHT = Papers(steps=50_000, learning_rate=1e-5, people=PEOPLE, accumulate=4)  # our choice; 4 · 16 pictures a step
FULL = Papers(steps=100_000, learning_rate=1e-6, people=PEOPLE, accumulate=16)  # the paper's; 16 · 16
FORMS: Mapping[Form, Papers] = {"light": LIGHT, "full": FULL}
GUIDANCE = 5.0  # the paper gives none


StyleEncoder = Annotated[Kind, "which of OpenAI's CLIP models see style pictures: ViT-L/14 alone, or the paper's three"]
StyleFiles = Annotated[
    tuple[File, ...],
    "their files in open_clip's layout, for `paper3` ViT-L/14, RN101 and ViT-B/32 in this order; ViT-L/14 alone also as "
    "ComfyUI's CLIP vision loader takes it",
    Default("required by FaceStudio and its prior"),
]


def style_faults(kind: Kind, files: Sequence[Path]) -> Iterator[str]:
    """Name a number of files that is not that of the models."""
    wanted = NETWORKS[kind]
    if len(files) != len(wanted):
        yield (
            f'[base] style names {len(files)} file{"" if len(files) == 1 else "s"}, but style_encoder is "{kind}"; name '
            f"{len(wanted)}: {', '.join(wanted)}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceStudioBaseConfig(BaseConfig):
    """The frozen networks, those that see styles, and the one that tells people apart."""

    style_encoder: StyleEncoder = "vitl"
    style: StyleFiles
    recogniser: Recogniser

    def faults(self) -> Iterator[str]:
        """As many files as models."""
        yield from style_faults(self.style_encoder, self.style)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceStudioMethodConfig(MethodConfig):
    """What is trained and left out."""

    form: Annotated[
        Form,
        "FaceStudio: `light` trains keys and values, and a LoRA on all other attention matrices; `full`, the paper's, the whole "
        f"UNet, and where the file is silent, {FULL.steps} steps of {FULL.accumulate} batches at {FULL.learning_rate:g}",
    ] = "light"
    init_from: Annotated[File | None, "FaceStudio file to start from"] = None
    rank: Annotated[Count | None, "rank of the LoRA", Default(f"{RANK} without `init_from`")] = None
    tokens: Annotated[
        Count | None,
        "FaceStudio: tokens that the shared layer makes of style and face; 1 is the paper read literally",
        Default(f"{TOKENS} without `init_from`"),
    ] = None
    start: Annotated[
        Annotated[float, Number(0, above=True)] | None,
        "FaceStudio: standard deviation that the tokens begin with",
        Default("that of the base's texts, measured"),
    ] = None
    faster: Annotated[
        Annotated[float, Number(0, above=True)] | None,
        "FaceStudio, `light`: learning rate of shared layer and LoRA, in multiples of that of keys and values, which is "
        "`[optimizer] learning_rate`",
        Default(f"`{FASTER:g}`"),
    ] = None
    drop_style: Annotated[Probability, "FaceStudio: how often the picture is trained without its style"] = PAPERS.style
    drop_face: Annotated[Probability, "how often the picture is trained without its face"] = PAPERS.face

    def faults(self) -> Iterator[str]:
        """Nothing that has no effect."""
        for name in ("rank", "faster"):
            if self.form == "full" and getattr(self, name) is not None:
                yield f'[method] {name} is given, but form is "full", which trains the whole UNet at one rate; remove it.'
        if self.init_from and self.start is not None:
            yield "[method] start is given, but init_from names a layer that has begun; remove one of them."


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleDataConfig(DataConfig):
    """The pictures, some of them without people."""

    people: Annotated[
        Annotated[tuple[Annotated[int, Number(0, 16)], Annotated[int, Number(0, 16)]], ASCENDING] | None,
        "fewest people with face points and most people of any kind in a picture; 0 takes pictures of nobody too",
        PapersOwn("people"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleSamplesConfig(SamplesConfig):
    """Pictures drawn on the way, of people and styles without a text."""

    guidance: Annotated[float, Number(1), "guidance scale"] = GUIDANCE

    def faults(self) -> Iterator[str]:
        """Somebody to draw, and nothing to read."""
        if self.prompts:
            yield "[samples] prompts is given, but FaceStudio is told nothing by a text while it is trained; remove it."
        for name in ("seeds", "references"):
            if self.every and not getattr(self, name):
                yield f"[samples] {name} is empty, but every is {self.every}; give at least one or set every to 0."


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceStudioConfig(AdapterConfig):
    """The training of the shared layer and the UNet."""

    name: ClassVar[str] = "facestudio"
    title: ClassVar[str] = "FaceStudio"
    place: ClassVar[str] = "for FaceStudio"
    papers: ClassVar[Papers] = LIGHT
    reads: ClassVar[tuple[str, ...]] = ("human", "persons.parse")

    base: FaceStudioBaseConfig
    method: FaceStudioMethodConfig = field(default_factory=FaceStudioMethodConfig)
    data: StyleDataConfig
    samples: StyleSamplesConfig = field(default_factory=StyleSamplesConfig)

    @property
    def steps(self) -> int:
        """Optimizer steps in all: what the file says, else the form's number."""
        return self.run.steps or FORMS[self.method.form].steps

    @property
    def learning_rate(self) -> float:
        """What the file says, else the form's number."""
        return self.optimizer.learning_rate or FORMS[self.method.form].learning_rate

    @property
    def accumulate(self) -> int:
        """Batches that make an optimizer step: what the file says, else the form's number."""
        return self.optimizer.accumulate or FORMS[self.method.form].accumulate
