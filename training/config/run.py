"""The configuration of a training run; a method's own class says what only this method has."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, get_type_hints

from .sections import (
    BaseConfig,
    DataConfig,
    EMAConfig,
    ExportConfig,
    FrozenConfig,
    LoggingConfig,
    MethodConfig,
    OptimizerConfig,
    PrecisionConfig,
    RunConfig,
    SamplesConfig,
    Section,
)

# Of a manifest, what every method reads.
COMMON_KEYS = (
    *("id", "image", "w", "h", "caption", "persons", "sha256", "split", "aes", "wm"),
    *("persons.bbox", "persons.face", "persons.kps", "persons.score", "persons.identity"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """The numbers of a method's paper, for SD1.5, where a file is silent.

    Attributes:
        steps: of the optimizer.
        learning_rate: at which the weights move.
        people: fewest and most in a picture.
        accumulate: batches of one process that make an optimizer step.
    """

    steps: int
    learning_rate: float
    people: tuple[int, int]
    accumulate: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """A whole configuration; every attribute is a section of the file.

    Class attributes, which a method's own class sets:
        name: of the method, as files call it.
        title: the same for people; stages of one paper may share one.
        place: how the manual tells where a number holds, as in "0.5 for the pivot".
        papers: its paper's numbers.
        reads: keys of a manifest that it reads beside `COMMON_KEYS`, as `persons.face`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    place: ClassVar[str]
    papers: ClassVar[Papers]
    reads: ClassVar[tuple[str, ...]] = ()

    run: RunConfig
    base: FrozenConfig
    method: MethodConfig
    data: DataConfig
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    precision: PrecisionConfig = field(default_factory=PrecisionConfig)
    ema: EMAConfig = field(default_factory=EMAConfig)
    samples: SamplesConfig = field(default_factory=SamplesConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)

    @property
    def steps(self) -> int:
        """Optimizer steps in all: what the file says, else the paper's number."""
        return self.run.steps or self.papers.steps

    @property
    def learning_rate(self) -> float:
        """What the file says, else the paper's number."""
        return self.optimizer.learning_rate or self.papers.learning_rate

    @property
    def people(self) -> tuple[int, int]:
        """Fewest and most people in a picture: what the file says, else the method's."""
        return self.data.people or self.papers.people

    @property
    def accumulate(self) -> int:
        """Batches that make an optimizer step: what the file says, else the method's."""
        return self.optimizer.accumulate or self.papers.accumulate

    @property
    def batches(self) -> int:
        """Batches of one process in the whole run."""
        return self.steps * self.accumulate


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig(TrainingConfig):
    """The configuration of a method that trains what a base model's UNet is changed with."""

    base: BaseConfig


def sections_of(config: type[TrainingConfig]) -> dict[str, type[Section]]:
    """Return a configuration's sections by their names, in order."""
    hints: dict[str, Any] = get_type_hints(config)
    return {entry.name: hints[entry.name] for entry in fields(config)}
