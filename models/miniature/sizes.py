"""How wide and how deep the miniature's base model is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import InvalidSettingError, UnknownCheckpointError

GROUP = 32  # groups of every group norm in the original layout: a width must be divisible by their number
WIDEST, LEVELS = 1024, 8
KERNEL = 9  # numbers of a convolution of 3×3 pixels for each pair of channels
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
        singles = (self.blocks, self.head, self.latent_channels, self.text, self.text_layers, self.text_heads)
        strange = [
            size for size in (*self.unet, *self.vae, *singles) if type(size) is not int or not 1 <= size <= WIDEST
        ]
        if strange or len(self.vae) != 2 or not 1 <= len(self.unet) <= LEVELS:
            raise InvalidSettingError(
                f"The sizes of a base model are whole numbers from 1 to {WIDEST}, of the VAE 2 and of the UNet 1 to {LEVELS}, and here "
                f"are {len(strange)} others, {len(self.vae)} and {len(self.unet)}; change them."
            )
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
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            wanted = ", ".join(field.name for field in fields(cls))
            raise UnknownCheckpointError(
                f'{name} does not say the sizes of its networks in its metadata ("{METADATA_KEY}": {wanted}); '
                "take the file that came with this pack."
            ) from error

    def require_filled(self, *, unet: int, vae: int, text: int, name: str) -> None:
        """Check that a file has at least the weights of the widest layers, so that nothing larger than it is ever built.

        Args:
            unet, vae, text: how many weights the file has for each.
            name: what a message calls it.

        Raises:
            UnknownCheckpointError: if a network of these sizes is larger.
        """
        needed = {
            "UNet": (unet, self.blocks * sum(2 * KERNEL * width**2 for width in self.unet)),
            "VAE": (vae, sum(KERNEL * width**2 for width in self.vae) + self.latent_channels * self.vae[-1]),
            "text encoder": (text, self.text_layers * 12 * self.text**2),
        }
        for part, (held, least) in needed.items():
            if held < least:
                raise UnknownCheckpointError(
                    f"{name} says sizes of a {part} with more than {least:,} weights and holds {held:,}; take the file that came with "
                    "this pack."
                )
