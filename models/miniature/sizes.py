"""How wide and how deep the miniature's base model is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import InvalidSettingError, UnknownCheckpointError

GROUP = 32  # groups of every group norm in the original layout: a width must be divisible by their number
METADATA_KEY = "sizes"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSizes:
    """Sizes of a base model; everything else is as in SD1.5.

    Attributes:
        unet: channels of the UNet's levels, the finest first; every level attends to text.
        blocks: residual blocks of a level on the way down; one more on the way up.
        head: width of one attention head of the UNet.
        vae: channels of the VAE at a quarter and at an eighth of the picture's side.
        latent_channels: of the VAE's latents.
        text: width of the text encoder and of what the UNet reads.
        text_layers, text_heads: of the text encoder.

    Raises:
        InvalidSettingError: if a width does not fit the layout.
    """

    unet: tuple[int, ...] = (64, 64, 128)
    blocks: int = 1
    head: int = 32
    vae: tuple[int, int] = (64, 96)
    latent_channels: int = 16
    text: int = 64
    text_layers: int = 2
    text_heads: int = 4

    def __post_init__(self) -> None:
        odd = [width for width in self.unet if width % GROUP or width % self.head or width % self.unet[0]]
        if odd:
            raise InvalidSettingError(
                f"A level has {odd[0]} channels; choose a multiple of {GROUP}, of the head's {self.head} and of the first "
                f"level's {self.unet[0]}."
            )
        if self.text % self.text_heads:
            raise InvalidSettingError(
                f"The text encoder is {self.text} wide, which its {self.text_heads} heads do not divide; change one."
            )

    def metadata(self) -> dict[str, str]:
        """Return the sizes as metadata of a safetensors file."""
        return {METADATA_KEY: json.dumps(asdict(self))}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> BaseSizes:
        """Return the sizes that a file names.

        Args:
            metadata: of the file.
            name: what a message calls the file.

        Raises:
            UnknownCheckpointError: if it names none.
        """
        try:
            named: dict[str, Any] = json.loads(metadata[METADATA_KEY])
            for key in ("unet", "vae"):
                named[key] = tuple(named[key])
            return cls(**named)
        except (KeyError, TypeError, ValueError) as error:
            wanted = ", ".join(field.name for field in fields(cls))
            raise UnknownCheckpointError(
                f'{name} does not say the sizes of its networks in its metadata ("{METADATA_KEY}": {wanted}); '
                "take the file that came with this pack."
            ) from error
