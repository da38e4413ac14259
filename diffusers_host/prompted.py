"""The UNet with some prompts, asked for both sides of guidance at once or one by one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..models.port.attention import Polarity, Run
from .attention import RunContext, all_positive, guidance_pair
from .base import Base
from .text_encoders import TextCondition, encode_prompts


@dataclass(frozen=True, eq=False, slots=True)
class Prompted:
    """The UNet for B pictures, the negative prompt empty.

    Attributes:
        base: the miniature.
        text: of the prompts, (B, 77, D).
        nothing: of the negative prompt, (1, 77, D).
        context: what is told to whatever is attached to the UNet.
    """

    base: Base
    text: Tensor
    nothing: Tensor
    context: RunContext = field(default_factory=lambda: RunContext(polarities=guidance_pair, sigma=0.0))

    @classmethod
    def of(cls, base: Base, prompts: Sequence[str], run: Run) -> Prompted:
        """The UNet with prompts, one per picture."""
        text = encode_prompts(base.text_encoders, ["", *prompts]).tokens
        return cls(base, text[1:], text[:1], RunContext(polarities=guidance_pair, sigma=0.0, run=run))

    def both(self, latents: Tensor, timestep: int, sigma: float) -> tuple[Tensor, Tensor]:
        """Velocities without and with the prompts, (B, C, h, w) each, of latents scaled for the UNet."""
        text = torch.cat((self.nothing.expand_as(self.text), self.text))
        with self._told(sigma, polarities=guidance_pair):
            away, towards = self._ask(torch.cat((latents, latents)), timestep, text).chunk(2)
        return away, towards

    def negative(self, latents: Tensor, timestep: int, sigma: float) -> Tensor:
        """Velocities without the prompts."""
        with self._told(sigma, polarities=lambda rows: (Polarity.NEGATIVE,) * rows):
            return self._ask(latents, timestep, self.nothing.expand_as(self.text))

    def positive(self, latents: Tensor, timestep: int, sigma: float) -> Tensor:
        """Velocities with the prompts."""
        with self._told(sigma, polarities=all_positive):
            return self._ask(latents, timestep, self.text)

    def row(self, number: int, latents: Tensor, timestep: int, sigma: float) -> Tensor:
        """Velocity of one latent (1, C, h, w) with the prompt and the people of one picture; nothing of it is recorded."""
        with self._told(sigma, polarities=all_positive, first=number, run=Run()):
            return self._ask(latents, timestep, self.text[number : number + 1])

    def _ask(self, latents: Tensor, timestep: int, text: Tensor) -> Tensor:
        said: Any = self.base.unet(latents, timestep, encoder_hidden_states=text)
        return said.sample

    @contextmanager
    def _told(self, sigma: float, **others: Any) -> Generator[None, None, None]:
        """While it lasts, the context says this."""
        told = {"sigma": sigma, **others}
        before = {name: getattr(self.context, name) for name in told}
        try:
            for name, value in told.items():
                setattr(self.context, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(self.context, name, value)


def ask_unet(base: Base, latents: Tensor, timesteps: Tensor, text: TextCondition, sizes: Tensor) -> Tensor:
    """What the UNet says about latents, in its own type.

    Args:
        base: whatever is attached to its UNet takes part.
        latents: (B, C, h, w).
        timesteps: (B,).
        text: of B prompts.
        sizes: height and width of the whole picture, top and left of the crop, height and width of the crop, (B, 6); read by
            SDXL alone.

    Returns:
        (B, C, h, w).
    """
    dtype, given = base.unet.dtype, dict[str, Any]()
    if text.pooled is not None:
        given["added_cond_kwargs"] = {"text_embeds": text.pooled.to(dtype), "time_ids": sizes.to(dtype)}
    return base.unet(latents.to(dtype), timesteps, encoder_hidden_states=text.tokens.to(dtype), **given).sample
