"""Sections of a configuration file that all methods share, each a frozen dataclass with the papers' numbers as defaults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from ...models.config.keys import Default, PapersOwn
from ...models.config.reading import Section
from ...models.config.rules import FileName, Number, Pattern
from ...models.config.types import ASCENDING, Count, File, Folder, NewPath, Probability, Seed


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig(Section):
    """How long, where to and from where."""

    output: Annotated[NewPath, "folder for checkpoints, samples, logs and the finished adapter; it is made"]
    seed: Annotated[Seed, "the same seed gives the same run"] = 0
    resume: Annotated[
        Literal["auto", "newest whole", "none"] | Folder,
        "auto goes on from the newest checkpoint in `output`, if any; newest whole passes over damaged ones",
    ] = "auto"
    steps: Annotated[Count | None, "optimizer steps in all", PapersOwn("steps")] = None
    save_every: Annotated[Count, "steps between checkpoints to resume from"] = 5000
    keep: Annotated[Count, "how many checkpoints stay; older ones are deleted"] = 3
    log_every: Annotated[Count, "steps between two entries of the log"] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenConfig(Section):
    """The frozen networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseConfig(FrozenConfig):
    """The frozen networks, a base model among them."""

    checkpoint: Annotated[File, "base model of SD1.5 or SDXL in one file"]
    family: Annotated[Literal["auto", "sd15", "sdxl"], "auto tells it from the file"] = "auto"
    prediction: Annotated[
        Literal["auto", "eps", "v"], "what the base predicts; auto believes the file and takes eps without a hint"
    ] = "auto"
    vae: Annotated[File | None, "another VAE than the checkpoint's own"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodConfig(Section):
    """What is trained: whatever a method lets its users choose. The key `name` chooses the method itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig(Section):
    """The pictures."""

    manifest: Annotated[File | None, "JSONL manifest; paths in it start at its folder; this or `shards`"] = None
    shards: Annotated[
        tuple[Annotated[str, Pattern()], ...],
        "tar files in webdataset's layout; `*` and `{000..099}` are filled in; this or `manifest`",
    ] = ()
    split: Annotated[str, "rows of this split are trained on"] = "train"
    size: Annotated[int, Number(64, 4096, step=64), "side of the square training picture, pixels; SDXL: 1024"] = 512
    people: Annotated[
        Annotated[tuple[Annotated[int, Number(1, 16)], Annotated[int, Number(1, 16)]], ASCENDING] | None,
        "fewest people with face points and most people of any kind in a picture; other rows are passed over. FaceStudio's "
        "fewest may be 0, which takes pictures of nobody too",
        PapersOwn("people"),
    ] = None
    min_aes: Annotated[
        Annotated[float, Number(0, 10)] | None,
        "rows whose `aes` is lower or not given are passed over; OmniPortrait: 5",
    ] = None
    max_wm: Annotated[
        Probability | None, "rows whose `wm` is higher or not given are passed over; OmniPortrait: 0.5"
    ] = None
    min_score: Annotated[
        Probability | None, "rows with somebody with face points whose `score` is lower or not given are passed over"
    ] = None
    batch_size: Annotated[Count, "pictures at once in one process; the paper: 16 on each of 8 GPUs"] = 16
    workers: Annotated[int, Number(0, 256), "processes that read pictures; 0 reads them between the steps"] = 4
    cache: Annotated[Literal["none"] | NewPath, "folder that keeps latents and features between runs; it is made"] = (
        "none"
    )

    def faults(self) -> Iterator[str]:
        """One source of pictures, no more and no less."""
        if bool(self.manifest) == bool(self.shards):
            seen = "both given" if self.manifest else "both missing"
            yield f"[data] manifest and shards are {seen}; give one of them."


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerConfig(Section):
    """How the weights move."""

    name: Annotated[Literal["adamw"], "the optimizer"] = "adamw"
    learning_rate: Annotated[
        Annotated[float, Number(0, above=True)] | None, "constant after the warm-up", PapersOwn("learning_rate")
    ] = None
    weight_decay: Annotated[float, Number(0), "AdamW's decoupled decay"] = 0.01
    betas: Annotated[
        tuple[Annotated[float, Number(0, 1, below=True)], Annotated[float, Number(0, 1, below=True)]],
        "AdamW's two averages",
    ] = (0.9, 0.999)
    warmup_steps: Annotated[int, Number(0), "steps in which the learning rate rises from 0"] = 500
    max_grad_norm: Annotated[float, Number(0), "gradients are shortened to this length; 0 leaves them"] = 1.0
    accumulate: Annotated[Count | None, "batches that make one optimizer step", PapersOwn("accumulate")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionConfig(Section):
    """Memory and speed."""

    mixed: Annotated[Literal["no", "fp16", "bf16"], "type of the frozen networks"] = "no"
    gradient_checkpointing: Annotated[bool, "less memory for more time"] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EMAConfig(Section):
    """The running average of the trained weights."""

    decay: Annotated[float, Number(0, 1, below=True), "0 turns it off; 0.9999 is usual"] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesConfig(Section):
    """Pictures drawn on the way, always from the same noise."""

    every: Annotated[int, Number(0), "steps between two grids; 0 draws none"] = 0
    seeds: Annotated[tuple[Seed, ...], "one picture each per prompt"] = (0, 1)
    prompts: Annotated[tuple[str, ...], "one row of the grid each"] = ()
    references: Annotated[
        tuple[str, ...], "people to draw, as `id` or `id#person` of manifest rows; stage II puts all into each picture"
    ] = ()
    steps: Annotated[int, Number(1, 1000), "sampling steps"] = 25
    guidance: Annotated[float, Number(1), "guidance scale"] = 7.5

    def faults(self) -> Iterator[str]:
        """Something to draw, where something is drawn."""
        if self.every:
            for name in ("seeds", "prompts", "references"):
                if not getattr(self, name):
                    yield f"[samples] {name} is empty, but every is {self.every}; give at least one or set every to 0."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportConfig(Section):
    """The finished adapter."""

    name: Annotated[
        Annotated[str, FileName()] | None,
        "name of the file in `output`, without an ending",
        Default("the method's name"),
    ] = None
    dtype: Annotated[Literal["fp16", "bf16", "fp32"], "how its numbers are stored"] = "fp16"

    @property
    def endings(self) -> tuple[str, ...]:
        """Of the files that are written; see `export`."""
        return (".safetensors",)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedExportConfig(ExportConfig):
    """The finished adapter, in our layout and in the one of published files."""

    published_layout: Annotated[
        bool, "write the same weights also as `.bin`, as the method's authors publish theirs"
    ] = False

    @property
    def endings(self) -> tuple[str, ...]:
        """Of the files that are written; see `export`."""
        return (".safetensors", ".bin") if self.published_layout else (".safetensors",)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingConfig(Section):
    """What is written down."""

    tensorboard: Annotated[bool, "event files in `output`/logs"] = True
