"""The loss that every method shares: how well the UNet tells noise, or velocity, from the picture."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from ..diffusers_host.base import Base
from ..diffusers_host.prompted import ask_unet
from ..diffusers_host.text_encoders import TextCondition
from .batches.draws import Draws


class Conditioned(Protocol):
    """The part of a batch that the UNet itself looks at; for shapes see `Batch`."""

    @property
    def latents(self) -> Tensor:
        """Clean latents."""
        ...

    @property
    def text(self) -> Tensor:
        """What cross-attention reads."""
        ...

    @property
    def pooled(self) -> Tensor | None:
        """The second encoder's pooled text, for SDXL."""
        ...

    @property
    def sizes(self) -> Tensor:
        """Sizes of picture and crop, for SDXL."""
        ...

    @property
    def weights(self) -> Tensor | None:
        """Of the positions in the loss."""
        ...


def denoising_loss(base: Base, batch: Conditioned, draws: Draws, *, power: float = 1.0) -> Tensor:
    """Squared error of the UNet's prediction at one random timestep per picture, the mean of all values.

    Args:
        base: the base model; whatever is attached to its UNet takes part.
        batch: clean latents and their conditions.
        draws: noise and timesteps.
        power: of the uniform number that chooses a timestep: below 1 favours high noise levels, where small latents are
            decided.

    Returns:
        A scalar, float32.

    Reference: UniPortrait (arXiv:2408.05939), Eq. 1.
    """
    noise = draws.normal("noise", batch.latents.shape[1:]).to(batch.latents)
    count = base.schedule.config["num_train_timesteps"]
    chosen = draws.integers("timestep", count) if power == 1 else (draws.uniform("timestep") ** power * count).long()
    timesteps = chosen.clamp(max=count - 1).to(batch.latents.device)
    noisy: Any = base.schedule.add_noise(batch.latents, noise, timesteps)  # pyright: ignore[reportArgumentType]
    target: Any = noise
    if base.prediction == "v":
        target = base.schedule.get_velocity(batch.latents, noise, timesteps)  # pyright: ignore[reportArgumentType]
    predicted = predict(base, noisy, timesteps, batch)
    errors = (predicted.float() - target.float()).square()
    if batch.weights is None:
        return errors.mean()
    return (errors * batch.weights).mean() / batch.weights.mean()


def predict(base: Base, latents: Tensor, timesteps: Tensor, batch: Conditioned) -> Tensor:
    """What the UNet says about latents (B, C, h, w) at timesteps (B,)."""
    return ask_unet(base, latents, timesteps, TextCondition(tokens=batch.text, pooled=batch.pooled), batch.sizes)
