"""The studio as one more host of the evaluation kit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from ...diffusers_host.noise_levels import cpu_noise
from ...evaluation.hosts.host import Host, Wanted
from ...evaluation.photos import read_photo
from ...evaluation.protocol.sections import DrawingConfig, PicturesConfig
from ...models.images.layout import arrays_from_images
from ...models.weights.fingerprint import fingerprint
from ..studio.drawing import Settings, decode
from ..studio.studio import Method, Shot, Studio

PIXELS = 8  # of a picture's side to one of the latent's
Methods = Literal["UniPortrait", "IP-Adapter", "nobody"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioConfig(DrawingConfig):
    """How the miniature draws."""

    method: Annotated[Methods, "what brings people in; nobody draws the text alone"] = "UniPortrait"
    is_routed: Annotated[bool, "whether the router places several people; else they are everywhere"] = True


@dataclass(frozen=True, eq=False, slots=True)
class StudioDrawer:
    """Draws on diffusers with the weights that came with the pack; a `Drawer`.

    Attributes:
        studio: the networks.
        config: settings.
    """

    studio: Studio
    config: StudioConfig

    @property
    def key(self) -> str:
        """Names weights and settings."""
        studio = self.studio
        networks = (studio.base.unet, studio.base.vae, studio.adapter.id_embedding, studio.adapter.face_attention)
        names = [fingerprint(network) for network in (*networks, studio.ip_adapter.attention, studio.faces.backbone)]
        return " ".join(("studio", self.config.method, str(self.config.is_routed), *names))

    def draw(self, wanted: Wanted, pictures: PicturesConfig) -> np.ndarray:
        """A picture, (H, W, 3) uint8; the negative prompt is empty, as the studio has it.

        Raises:
            NoFaceFoundError: if nobody is found in a photo.
        """
        method: Method = "UniPortrait" if self.config.method == "nobody" else self.config.method
        references = (
            () if self.config.method == "nobody" else tuple(read_photo(person.photos[0]) for person in wanted.people)
        )
        size = (1, self.studio.base.unet.config["in_channels"], pictures.height // PIXELS, pictures.width // PIXELS)
        shot = Shot(
            prompt=wanted.prompt,
            noise=cpu_noise(wanted.seed, size),
            references=references,
            is_routed=self.config.is_routed,
            method=method,
        )
        latents, _ = self.studio.draw(shot, Settings(steps=pictures.steps, guidance=pictures.guidance))
        [picture] = arrays_from_images(decode(self.studio.base, latents).permute(0, 2, 3, 1))
        return picture


STUDIO = Host(section=StudioConfig, make=lambda config, _: StudioDrawer(Studio.load(), config))
