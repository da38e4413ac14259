"""Looks for people while pictures are drawn on diffusers: at their words, or at their faces."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from ..models.placement.faces import FaceLook
from ..models.placement.words import SeenWords, WordLook
from ..models.port.attention import Run
from .word_attention import note_attention


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Looks:
    """Who looks for people.

    Attributes:
        words: looks at words; None for nobody.
        rows: rows of the text that stand for the people of every picture, see `word_attention.AttentionNotes`; for words.
        faces: looks at previews; None for nobody.
    """

    words: WordLook | None = None
    rows: Tensor | None = None
    faces: FaceLook | None = None

    @contextmanager
    def reading(self, unet: nn.Module, run: Run, latents: Tensor, sigma: float) -> Generator[None, None, None]:
        """While it lasts, a call of the UNet with latents (B, C, h, w) is read, once for every noise level."""
        if self.words is None or self.rows is None:
            yield
            return
        with note_attention(unet, self.rows, (latents.shape[-2], latents.shape[-1])) as notes:
            yield
        seen = SeenWords(attention=notes.collect(), sigma=sigma, samples=tuple(range(len(latents))))
        self.words.take(run.found, seen)

    def look(self, run: Run, sigma: float, denoised: Tensor) -> None:
        """Look at what a step takes for the finished pictures, latents as the VAE takes them, (B, C, h, w)."""
        if self.faces is not None:
            self.faces.take(run.found, sigma, denoised)


NOBODY = Looks()
