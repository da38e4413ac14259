"""The configuration of a training run: one TOML file, one frozen dataclass per section, the paper's numbers as defaults."""

# ruff: noqa: RUF009 -- key() makes a dataclasses.field
from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...models.errors import ConfigError, InvalidSettingError
from ...models.omniportrait.face_localization import WEIGHT
from ...models.omniportrait.pivot_prompt import mark_people
from .keys import key, read_section, show, table_rows, unknown
from .rules import Choice, FileName, Flag, Location, Many, Number, Pattern, Text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STAGE1, STAGE2, PIVOT = "uniportrait-stage1", "uniportrait-stage2", "omniportrait-pivot"
METHODS = (STAGE1, STAGE2, PIVOT)
# UniPortrait (arXiv:2408.05939), section 4.1, and OmniPortrait, section 4.1 (SD1.5): iterations, the rate at which the weights move,
# and how many people a picture shows.
STEPS = {STAGE1: 300_000, STAGE2: 150_000, PIVOT: 80_000}
RATES = {STAGE1: 1e-5, STAGE2: 1e-5, PIVOT: 2e-5}
PEOPLE = {STAGE1: (1, 1), STAGE2: (2, 4), PIVOT: (1, 1)}
# Keys that only some methods use, and those among them without which these methods cannot do.
ONLY = {
    ("base", "clip_vision"): (STAGE1, STAGE2),
    ("base", "backbone"): (STAGE1, STAGE2),
    ("method", "rank"): (STAGE1, STAGE2),
    ("method", "init_router"): (STAGE2,),
    ("method", "drop_token"): (STAGE1,),
    ("method", "drop_path"): (STAGE1,),
    ("method", "drop_face"): (STAGE1, STAGE2),
    ("method", "swap_identity"): (STAGE1,),
    ("method", "route_weight"): (STAGE2,),
    ("method", "tau"): (STAGE2,),
    ("method", "visual"): (PIVOT,),
    ("method", "eta"): (PIVOT,),
    ("method", "drop"): (PIVOT,),
    ("method", "pivot"): (PIVOT,),
    ("method", "pivot_activation"): (PIVOT,),
    ("method", "pivot_mean"): (PIVOT,),
    ("method", "pivot_std"): (PIVOT,),
    ("export", "published_layout"): (STAGE1, STAGE2),
}
NEEDED = (("base", "clip_vision"), ("base", "backbone"))
UNTOLD = (
    "pivot_activation",
    "pivot_mean",
    "pivot_std",
)  # of the pivot's weights: an adapter says them, open_clip's file does not
PROBABILITY = Number(0, 1)
COUNT = Number(1, whole=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How long, where to and from where."""

    output: Path = key(Location(""), "folder for checkpoints, samples, logs and the finished adapter; it is made")
    seed: int = key(Number(0, 2**32 - 1, whole=True), "the same seed gives the same run", 0)
    resume: Path | str = key(
        Location("folder", ("auto", "none")), "auto goes on from the newest checkpoint in `output`, if any", "auto"
    )
    steps: int | None = key(
        COUNT, "optimizer steps in all", None, shown="300000 in stage I, 150000 in stage II, 80000 for the pivot"
    )
    save_every: int = key(COUNT, "steps between checkpoints to resume from", 5000)
    keep: int = key(COUNT, "how many checkpoints stay; older ones are deleted", 3)
    log_every: int = key(COUNT, "steps between two entries of the log", 50)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseConfig:
    """The frozen networks."""

    checkpoint: Path = key(Location(), "base model of SD1.5 or SDXL in one file")
    family: Literal["auto", "sd15", "sdxl"] = key(
        Choice(("auto", "sd15", "sdxl")), "auto tells it from the file", "auto"
    )
    prediction: Literal["auto", "eps", "v"] = key(
        Choice(("auto", "eps", "v")),
        "what the base predicts; auto believes the file and takes eps without a hint",
        "auto",
    )
    vae: Path | None = key(Location(), "another VAE than the checkpoint's own", None)
    clip_vision: Path | None = key(
        Location(),
        "OpenCLIP ViT-H/14 image encoder, as ComfyUI's CLIP vision loader takes it",
        None,
        shown="required by UniPortrait",
    )
    backbone: Path | None = key(
        Location(), "face backbone, as Load UniPortrait takes it", None, shown="required by UniPortrait"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodConfig:
    """What is trained."""

    name: Literal["uniportrait-stage1", "uniportrait-stage2", "omniportrait-pivot"] = key(
        Choice(METHODS), "a stage of UniPortrait, or OmniPortrait's Pivot ID Encoder"
    )
    rank: int | None = key(COUNT, "rank of the LoRA", None, shown="128, or what `init_from` has")
    init_from: Path | None = key(
        Location(),
        "adapter of the same paper to start from: an export of ours or a published faceid file; stage II needs one",
        None,
    )
    init_router: Path | None = key(
        Location(), "stage II: routers to start from: an export of ours or a published router file", None
    )
    drop_token: float = key(PROBABILITY, "stage I: share of structure tokens that are hidden", 0.33)
    drop_path: float = key(Number(0, 1, below=True), "stage I: how often a structure layer is left out", 0.33)
    drop_face: float = key(PROBABILITY, "how often the picture is trained without faces, for guidance", 0.05)
    swap_identity: float = key(
        PROBABILITY, "stage I: how often the intrinsic branch sees another picture of a labelled person", 0.1
    )
    route_weight: float = key(Number(0), "stage II: weight λ of the routing regularisation", 0.1)
    tau: float = key(Number(0, above=True), "stage II: temperature of the Gumbel softmax", 1.0)
    visual: Literal["full", "last2", "linear"] = key(
        Choice(("full", "last2", "linear")),
        "pivot: what of the image encoder learns: all, its last two blocks and what follows them, or nothing but the linear "
        "layer behind it",
        "full",
    )
    eta: float = key(Number(0), "pivot: weight η of the face localisation loss", WEIGHT)
    drop: float = key(PROBABILITY, "pivot: how often prompt and face are left out together, for guidance", 0.1)
    pivot: Path | None = key(
        Location(),
        "pivot: OpenCLIP ViT-L/14 in open_clip's layout to start from; with `init_from`, the file that the adapter was trained "
        "from where it holds only what changed",
        None,
        shown="required without `init_from`",
    )
    pivot_activation: Literal["gelu", "quick_gelu"] | None = key(
        Choice(("gelu", "quick_gelu")),
        "that `pivot` was trained with: LAION's gelu, OpenAI's quick_gelu",
        None,
        shown="required without `init_from`",
    )
    pivot_mean: tuple[float, float, float] | None = key(
        Many(Number(), 3),
        "of red, green and blue that `pivot` was trained with",
        None,
        shown="required without `init_from`",
    )
    pivot_std: tuple[float, float, float] | None = key(
        Many(Number(0, above=True), 3), "the same, standard deviation", None, shown="required without `init_from`"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """The pictures."""

    manifest: Path | None = key(Location(), "JSONL manifest; paths in it start at its folder; this or `shards`", None)
    shards: tuple[str, ...] = key(
        Many(Pattern()), "tar files in webdataset's layout; `*` and `{000..099}` are filled in; this or `manifest`", ()
    )
    split: str = key(Text(), "rows of this split are trained on", "train")
    size: int = key(
        Number(64, 4096, whole=True, step=64), "side of the square training picture, pixels; SDXL: 1024", 512
    )
    people: tuple[int, int] | None = key(
        Many(Number(1, 16, whole=True), 2, ascending=True),
        "fewest people with face points and most people of any kind in a picture; other rows are passed over",
        None,
        shown="`[1, 1]` in stage I and for the pivot, `[2, 4]` in stage II",
    )
    batch_size: int = key(COUNT, "pictures at once in one process; the paper: 16 on each of 8 GPUs", 16)
    workers: int = key(Number(0, 256, whole=True), "processes that read pictures; 0 reads them between the steps", 4)
    cache: Path | str = key(
        Location("", ("none",)), "folder that keeps latents and features between runs; it is made", "none"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig:
    """How the weights move."""

    name: Literal["adamw"] = key(Choice(("adamw",)), "the optimizer", "adamw")
    learning_rate: float | None = key(
        Number(0, above=True), "constant after the warm-up", None, shown="`1e-05`, for the pivot `2e-05`"
    )
    weight_decay: float = key(Number(0), "AdamW's decoupled decay", 0.01)
    betas: tuple[float, float] = key(Many(Number(0, 1, below=True), 2), "AdamW's two averages", (0.9, 0.999))
    warmup_steps: int = key(Number(0, whole=True), "steps in which the learning rate rises from 0", 500)
    max_grad_norm: float = key(Number(0), "gradients are shortened to this length; 0 leaves them", 1.0)
    accumulate: int = key(COUNT, "batches that make one optimizer step", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionConfig:
    """Memory and speed."""

    mixed: Literal["no", "fp16", "bf16"] = key(Choice(("no", "fp16", "bf16")), "type of the frozen networks", "no")
    gradient_checkpointing: bool = key(Flag(), "less memory for more time", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EMAConfig:
    """The running average of the trained weights."""

    decay: float = key(Number(0, 1, below=True), "0 turns it off; 0.9999 is usual", 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesConfig:
    """Pictures drawn on the way, always from the same noise."""

    every: int = key(Number(0, whole=True), "steps between two grids; 0 draws none", 0)
    seeds: tuple[int, ...] = key(Many(Number(0, 2**32 - 1, whole=True)), "one picture each per prompt", (0, 1))
    prompts: tuple[str, ...] = key(Many(Text()), "one row of the grid each", ())
    references: tuple[str, ...] = key(
        Many(Text()), "people to draw, as `id` or `id#person` of manifest rows; stage II puts all into each picture", ()
    )
    steps: int = key(Number(1, 1000, whole=True), "sampling steps", 25)
    guidance: float = key(Number(1), "guidance scale", 7.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportConfig:
    """The finished adapter."""

    name: str | None = key(
        FileName(), "name of the file in `output`, without an ending", None, shown="the method's name"
    )
    dtype: Literal["fp16", "bf16", "fp32"] = key(Choice(("fp16", "bf16", "fp32")), "how its numbers are stored", "fp16")
    published_layout: bool = key(
        Flag(), "write the same weights also as `.bin`, as UniPortrait's authors publish theirs", False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingConfig:
    """What is written down."""

    tensorboard: bool = key(Flag(), "event files in `output`/logs", True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """A whole configuration; every attribute is a section of the file."""

    run: RunConfig
    base: BaseConfig
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
        return self.run.steps or STEPS[self.method.name]

    @property
    def learning_rate(self) -> float:
        """What the file says, else the paper's number."""
        return self.optimizer.learning_rate or RATES[self.method.name]

    @property
    def people(self) -> tuple[int, int]:
        """Fewest and most people in a picture: what the file says, else the method's."""
        return self.data.people or PEOPLE[self.method.name]

    @property
    def batches(self) -> int:
        """Batches of one process in the whole run."""
        return self.steps * self.optimizer.accumulate


SECTIONS: dict[str, type[Any]] = {
    "run": RunConfig,
    "base": BaseConfig,
    "method": MethodConfig,
    "data": DataConfig,
    "optimizer": OptimizerConfig,
    "precision": PrecisionConfig,
    "ema": EMAConfig,
    "samples": SamplesConfig,
    "export": ExportConfig,
    "logging": LoggingConfig,
}


def read_config(path: str | Path) -> TrainingConfig:
    """Read and check a configuration file.

    Args:
        path: the TOML file; relative paths in it start at its folder.

    Returns:
        The configuration, all paths absolute.

    Raises:
        ConfigError: listing every fault, one line each.
    """
    path = Path(path)
    tables, faults = _read_toml(path), list[str]()
    parts: dict[str, Any] = {}
    for name in tables:
        if name not in SECTIONS:
            faults.append(unknown("The file", name, list(SECTIONS)))
    for name, section in SECTIONS.items():
        parts[name], found = read_section(section, name, tables.get(name, {}), path.resolve().parent)
        faults += found
    faults += _contradictions(tables, parts)
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError("\n".join([f'"{path.name}" has {count}; mend and start again:', *faults]))
    return TrainingConfig(**parts)


def key_table() -> str:
    """All keys as the Markdown table of docs/training.md."""
    head = ["| key | may hold | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *(row for name, section in SECTIONS.items() for row in table_rows(section, name))])


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f'"{path}" cannot be read ({error.strerror}); name the configuration file.') from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigError(f'"{path}" is not a TOML file in UTF-8 ({error}); mend that line.') from error


def _contradictions(tables: Mapping[str, Any], parts: Mapping[str, Any]) -> list[str]:
    """Faults that lie between keys; sections with faults of their own are passed over."""
    faults = _foreign(tables)
    method, data, samples = parts["method"], parts["data"], parts["samples"]
    if method and method.name == STAGE2 and not method.init_from:
        faults.append("[method] init_from is missing; stage II freezes what stage I trained: name its export.")
    if method and method.name == PIVOT:
        faults += _pivot_faults(method, samples)
    if data and bool(data.manifest) == bool(data.shards):
        seen = "both given" if data.manifest else "both missing"
        faults.append(f"[data] manifest and shards are {seen}; give one of them.")
    if samples and samples.every:
        faults += [
            f"[samples] {name} is empty, but every is {samples.every}; give at least one or set every to 0."
            for name in ("seeds", "prompts", "references")
            if not getattr(samples, name)
        ]
    return faults


def _foreign(tables: Mapping[str, Any]) -> list[str]:
    """Keys that are there and the method does not use, or are not there and it needs."""
    faults: list[str] = []
    name = _table(tables, "method").get("name")
    for (section, entry), users in ONLY.items():
        table = _table(tables, section)
        if entry in table and name in METHODS and name not in users:
            only = f"{' and '.join(users)} {'uses' if len(users) == 1 else 'use'}"
            faults.append(
                f'[{section}] {entry} is {show(table[entry])}, but only {only} it and name is "{name}"; remove it.'
            )
        if (section, entry) in NEEDED and entry not in table and (name in users or name not in METHODS):
            faults.append(f"[{section}] {entry} is missing; choose {Location().wanted}.")
    return faults


def _table(tables: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    found = tables.get(section, {})
    return found if isinstance(found, Mapping) else {}


def _pivot_faults(method: MethodConfig, samples: SamplesConfig | None) -> list[str]:
    if method.init_from:
        faults = [
            f"[method] {entry} is given, but the adapter in init_from says it; remove it."
            for entry in UNTOLD
            if getattr(method, entry) is not None
        ]
    else:
        faults = [
            f"[method] {entry} is missing; without init_from, give {wanted}."
            for entry, wanted in (
                ("pivot", "the weights that the image encoder begins with"),
                *((entry, "what those weights were trained with; no tensor tells it") for entry in UNTOLD),
            )
            if getattr(method, entry) is None
        ]
    for place, prompt in enumerate(samples.prompts if samples else ()):
        try:
            mark_people(prompt, 1)
        except InvalidSettingError as error:
            faults.append(f"[samples] prompts[{place}] is {show(prompt)}: {error}")
    return faults
