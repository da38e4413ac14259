"""A prior in ComfyUI: from a text to the embedding that CLIP might have given of its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import comfy.model_management
import comfy.utils
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ..models.clip.posterior import FEWEST_STEPS
from ..models.clip.prior import EmbeddingPrior
from ..models.clip.prior_file import PriorDescription, load
from ..models.errors import IncompatibleBaseModelError, MissingModelFileError, require_range
from ..models.weights.signatures import PRIOR
from .files import Shapes, choose_file, load_once, model_folder
from .memory import loaded, manage
from .prompt_tokens import LENGTH
from .text_tower import ROOM, read_texts, readable_widths

FOLDER = "prior"
GUIDANCE, STEPS = 4.0, 25  # of the published pipelines
MOST_STEPS, MOST_GUIDANCE, MOST_AVERAGED = 100, 10.0, 16
SEEDS = 2**64

_kept: WeakKeyDictionary[nn.Module, LoadedPrior] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class LoadedPrior:
    """A prior under ComfyUI's memory management.

    Attributes:
        patcher: of the network, in float32.
        description: what its file says, or what its layout was published with.
    """

    patcher: ModelPatcher
    description: PriorDescription

    @property
    def network(self) -> EmbeddingPrior:
        """The network, on whatever device it is."""
        return cast("EmbeddingPrior", self.patcher.model)


@dataclass(frozen=True, eq=False, slots=True)
class PredictedEmbedding:
    """What a prior made of a text.

    Attributes:
        embedding: projected, not normalised, (1, E) float32 on the CPU.
        space: its space as the file calls it; empty where only the width tells.
        note: a sentence where not all of a text was read; else empty.
    """

    embedding: Tensor
    space: str
    note: str


def choose_prior(choice: str, clip: Any = None) -> LoadedPrior:
    """The prior that a widget means, loaded once for all who use its file.

    Args:
        choice: a file of models/prior, or "auto": the first by name that reads a text tower of the CLIP, else the first.
        clip: a CLIP.

    Raises:
        MissingModelFileError: if there is none.
        UnknownCheckpointError: if a named file is something else.
    """
    widths = () if clip is None else readable_widths(clip)
    path = choose_file(choice, FOLDER, PRIOR, lambda shapes: _text_width(shapes) in widths)
    path = path or choose_file(choice, FOLDER, PRIOR, lambda shapes: _text_width(shapes) is not None)
    if path is None:
        raise MissingModelFileError(
            f"No prior was found in {model_folder(FOLDER)}; put one there (published: diffusion_pytorch_model.safetensors in the "
            "folder prior of kandinsky-2-2-prior, kandinsky-2-1-prior or karlo-v1-alpha; names are free) and reload the page."
        )
    return load_once(path, PRIOR, lambda: _load(path))


def _text_width(shapes: Shapes) -> int | None:
    """Width of the text tower that a prior reads; None for ECLIPSE's, which have no place for a timestep."""
    weight = shapes.get("encoder_hidden_states_proj.weight")
    has_time = any(key.startswith("time_embedding.") for key in shapes)
    return int(weight.shape[-1]) if weight is not None and has_time else None


def _load(path: Path) -> LoadedPrior:
    weights = load(path)
    return LoadedPrior(manage(weights.network), weights.description)


def predict(
    clip: Any,
    prior: LoadedPrior,
    text: str,
    negative: str = "",
    *,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
    seed: int = 0,
    average: int = 1,
) -> PredictedEmbedding:
    """The embedding that CLIP might have given of a picture of a text.

    Noise is drawn on the CPU, first the start and then that of each step, so a seed means the same on every device. The
    prior stays in memory as long as the text tower that it last read.

    Args:
        clip: a CLIP with the text tower that the prior was trained with, its text projection included.
        prior: of Karlo, Kandinsky, or of this pack's trainer.
        text: read literally, see `text_tower.read_texts`; may be empty.
        negative: what it is to be unlike; the published pipelines take an empty text.
        steps: 2–100.
        guidance: 1–10; 1 is the text alone.
        seed: 0 to 2^64 − 1.
        average: N, 1–16: the mean of the embeddings of the seeds seed, seed + 1, …, seed + N − 1.

    Raises:
        InvalidSettingError: if a number is out of its range.
        IncompatibleBaseModelError: if the CLIP has no such tower, it lacks the projection, or the prior reads another length.
    """
    _check(steps, guidance, seed, average)
    sizes = prior.network.sizes
    if sizes.text_tokens != LENGTH:
        raise IncompatibleBaseModelError(
            f"This prior reads texts of {sizes.text_tokens} tokens, and CLIP's text towers give {LENGTH}; choose another prior."
        )
    read = read_texts(clip, (negative, text), width=sizes.text, projected=prior.description.projected)
    start, noise = draw([(seed + place) % SEEDS for place in range(average)], steps, sizes.embedding)
    progress = comfy.utils.ProgressBar(steps)

    def on_step(done: int, _: Tensor) -> None:
        progress.update_absolute(done)
        comfy.model_management.throw_exception_if_processing_interrupted()

    with loaded(prior.patcher):
        network = prior.network
        device = network.proj_in.weight.device
        rows = (part.to(device).repeat_interleave(average, 0) for part in (read.hidden, read.pooled, read.mask))
        embeddings = network.sample(
            *rows,
            steps=steps,
            guidance=guidance,
            clamp=prior.description.clamp,
            start=start.to(device),
            noise=noise.to(device),
            on_step=on_step,
        )
    _kept[clip.cond_stage_model] = prior
    return PredictedEmbedding(
        embeddings.mean(0, keepdim=True).to("cpu", torch.float32), prior.description.space, _note(read.dropped)
    )


def draw(seeds: Sequence[int], steps: int, width: int) -> tuple[Tensor, Tensor]:
    """Standard normal noise for a run, on the CPU: where it starts (B, E), and what its steps add (N − 1, B, E).

    Args:
        seeds: B of them, each 0 to 2^64 − 1.
        steps: N.
        width: E.
    """
    drawn = []
    for seed in seeds:
        generator = torch.Generator("cpu").manual_seed(seed)
        drawn.append(torch.stack([torch.randn(1, width, generator=generator)[0] for _ in range(steps)]))
    start, *noise = torch.stack(drawn, 1)
    return start, torch.stack(noise)


def _check(steps: int, guidance: float, seed: int, average: int) -> None:
    require_range("steps", steps, MOST_STEPS, lowest=FEWEST_STEPS)
    require_range("guidance", guidance, MOST_GUIDANCE, lowest=1)
    require_range("seed", seed, SEEDS - 1)
    require_range("average", average, MOST_AVERAGED, lowest=1)


def _note(dropped: Sequence[int]) -> str:
    cut = [f"{name} by {count}" for name, count in zip(("negative_text", "text"), dropped, strict=True) if count]
    return f"Longer than the {ROOM} tokens that CLIP reads, the rest was left out: {' and '.join(cut)}." if cut else ""
