"""ComfyUI's VAEs as encoders of reference pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...models.people.remembered import RememberedLatents
from ...models.port.encoders import LatentEncoder
from ...models.weights.fingerprint import fingerprint


@dataclass(frozen=True, eq=False)
class VaeEncoder:
    """The encoder of a VAE; a `LatentEncoder`.

    Attributes:
        vae: a VAE.
    """

    vae: Any

    @property
    def key(self) -> str:
        """Hash of the weights, encoder and decoder."""
        return f"vae {fingerprint(self.vae.first_stage_model)}"

    def latents(self, pictures: Tensor) -> Tensor:
        """Latents of pictures, see `LatentEncoder`."""
        return self.vae.encode(pictures).to("cpu", torch.float32)


def latent_encoder(vae: Any) -> LatentEncoder:
    """A VAE that encodes no picture twice."""
    return RememberedLatents(VaeEncoder(vae))
