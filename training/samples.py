"""Sample grids: what a method draws of fixed people and prompts, from the same noise at every step of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler  # pyright: ignore[reportPrivateImportUsage]
from PIL import Image

from ..diffusers_host.base import Base, decode_picture
from ..diffusers_host.text_encoders import TextCondition, encode_prompts
from ..models.errors import require_shape
from ..models.images.contact_sheet import GROUND, contact_sheet
from .batches.batch import AnyBatch, Batch
from .batches.draws import Draws
from .config.sections import SamplesConfig
from .denoising import predict
from .method import Method
from .references import Reference
from .whole_file import whole_file

Cell = tuple[np.ndarray, str]  # picture (h, w, 3) uint8 and caption
EMPTY: Cell = (np.full((1, 1, 3), GROUND, np.uint8), "")


@dataclass(frozen=True, eq=False, slots=True)
class Sitter:
    """Somebody to draw: the reference picture, and what the method is shown of it."""

    reference: Reference
    features: Any


# Prompts, their text, sitters and the picture's side in pixels to the batch of all sitters under each of the prompts.
Seat = Callable[[Sequence[str], TextCondition, Sequence[Sitter], int], AnyBatch]


def seat_people(prompts: Sequence[str], text: TextCondition, sitters: Sequence[Sitter], size: int) -> Batch:
    """Sitters under each of some prompts, as UniPortrait is shown them; see `Seat`."""
    del prompts
    rows = len(text.tokens)
    return Batch(
        positions=(0,) * rows,
        latents=torch.empty(rows, 0),  # only losses read these and the boxes
        text=text.tokens,
        pooled=text.pooled,
        sizes=torch.tensor([[size, size, 0, 0, size, size]]).expand(rows, -1),
        intrinsic=torch.cat([sitter.features.intrinsic for sitter in sitters]).expand(rows, -1, -1, -1),
        structure=torch.cat([sitter.features.structure for sitter in sitters]).expand(rows, -1, -1, -1),
        boxes=torch.zeros(rows, len(sitters), 4),
        present=torch.ones(rows, len(sitters), dtype=torch.bool),
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SampleSheet:
    """A grid to be drawn again and again.

    The first row shows the references, every further row one prompt.

    Attributes:
        method: draws the people; its trained weights are used as they are.
        config: prompts, seeds, steps and guidance.
        size: side of a drawn picture, pixels.
        sitters: at least one.
        together: whether a picture shows all sitters (a column for each seed) or one (a column for each sitter and seed).
        text: from `encode_sheet`.
        seat: makes the batches that the method is shown.
    """

    method: Method[Any]
    config: SamplesConfig
    size: int
    sitters: tuple[Sitter, ...]
    together: bool
    text: TextCondition
    seat: Seat = seat_people

    def __post_init__(self) -> None:
        require_shape("text", self.text.tokens, (len(self.config.prompts) + 1, "S", "D"))

    def draw(self) -> np.ndarray:
        """Draw all pictures, one at a time.

        Weights, gradients and the global random state stay as they are.

        Returns:
            (H, W, 3) uint8, the same for the same weights.
        """
        groups = [self.sitters] if self.together else [(sitter,) for sitter in self.sitters]
        columns = [(group, seed) for group in groups for seed in self.config.seeds]
        heads = self.sitters if self.together else [sitter for (sitter,), _ in columns]
        rows: list[list[Cell]] = [[(head.reference.crop, head.reference.name) for head in heads]]
        for number, prompt in enumerate(self.config.prompts):
            rows.append([(self._picture(number, group, seed), f"seed {seed}: {prompt}") for group, seed in columns])
        width = max(len(heads), len(columns))
        cells = [cell for row in rows for cell in row + [EMPTY] * (width - len(row))]
        return contact_sheet([picture for picture, _ in cells], [caption for _, caption in cells], columns=width)

    @torch.no_grad()
    def _picture(self, prompt: int, sitters: Sequence[Sitter], seed: int) -> np.ndarray:
        """One picture, (size, size, 3) uint8.

        Reference: DDIM (arXiv:2010.02502), Eq. 12 with σ = 0, from the last training timestep on (arXiv:2305.08891,
        section 3.3), so that bases with zero terminal SNR begin where they were trained to.
        """
        base = self.method.base
        latents = Draws(seed, (0,)).normal("sample", _latent_shape(base, self.size)).to(base.unet.device)
        guided = self.config.guidance != 1
        nobody = torch.tensor([True, False] if guided else [False])  # the negative side first
        batch = self._seated([len(self.config.prompts), prompt] if guided else [prompt], sitters).to(latents.device)
        told = self.method.show(batch, nobody=nobody.to(latents.device))
        schedule: Any = DDIMScheduler.from_config(base.schedule.config, timestep_spacing="trailing")
        schedule.set_timesteps(self.config.steps)
        for timestep in schedule.timesteps[: self.config.steps]:  # for 61 steps and some others, diffusers adds a -1
            rows = timestep.to(latents.device).expand(len(nobody))
            predicted = predict(base, latents.expand(len(nobody), -1, -1, -1), rows, told).float()
            if guided:
                away, towards = predicted.chunk(2)
                predicted = away + self.config.guidance * (towards - away)
            latents = schedule.step(predicted, timestep, latents).prev_sample
        return decode_picture(base, latents)

    def _seated(self, texts: list[int], sitters: Sequence[Sitter]) -> AnyBatch:
        """The sitters under each of some texts, the last of which is the empty one."""
        pooled = None if self.text.pooled is None else self.text.pooled[texts]
        chosen = [(*self.config.prompts, "")[text] for text in texts]
        return self.seat(chosen, TextCondition(tokens=self.text.tokens[texts], pooled=pooled), sitters, self.size)


def encode_sheet(base: Base, config: SamplesConfig) -> TextCondition:
    """The prompts of a grid, and after them the empty one for the negative side of guidance."""
    return encode_prompts(base.text_encoders, [*config.prompts, ""])


def write_samples(folder: Path, step: int, grid: np.ndarray) -> Path:
    """Write a grid as PNG.

    Args:
        folder: is made where it is not there.
        step: optimizer steps so far, for the name.
        grid: (H, W, 3) uint8.

    Returns:
        The path, `step-00001000.png` in the folder. It appears when the file is whole.
    """
    path = folder / f"step-{step:08d}.png"
    with whole_file(path) as partial:
        Image.fromarray(grid).save(partial, format="PNG")
    return path


def _latent_shape(base: Base, size: int) -> tuple[int, int, int]:
    side = size // 2 ** (len(base.vae.config["block_out_channels"]) - 1)
    return base.vae.config["latent_channels"], side, side
