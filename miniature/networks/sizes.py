"""How wide and how deep the miniature's base model is."""

from __future__ import annotations

from dataclasses import dataclass

from ...models.errors import InvalidSettingError
from ...training.text_encoders import HEAD

GROUP = 32  # groups of every group norm in the original layout: a width must be divisible by their number


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSizes:
    """Sizes of a base model; everything else is as in SD1.5.

    Attributes:
        unet: channels of the UNet's levels, the finest first; every level attends to text.
        vae: channels of the VAE's levels; each but the last halves the picture's side.
        text: width of the text encoder and of what the UNet reads.
        text_layers: of the text encoder.
        latent_channels: of the VAE's latents.

    Raises:
        InvalidSettingError: if a width does not fit the layout.
    """

    unet: tuple[int, ...] = (32, 64, 64)
    vae: tuple[int, ...] = (32, 32, 64, 64)
    text: int = 64
    text_layers: int = 2
    latent_channels: int = 4

    def __post_init__(self) -> None:
        odd = [width for width in (*self.unet, *self.vae) if width % GROUP]
        if odd:
            raise InvalidSettingError(f"A level has {odd[0]} channels; choose a multiple of {GROUP}.")
        if self.text > HEAD and self.text % HEAD:
            raise InvalidSettingError(f"The text encoder is {self.text} wide; choose up to {HEAD} or a multiple of it.")

    @property
    def text_heads(self) -> int:
        """Attention heads of the text encoder, as a reader of the file counts them."""
        return max(1, self.text // HEAD)
