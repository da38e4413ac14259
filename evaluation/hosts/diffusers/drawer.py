"""Drawing on diffusers as one more host of the kit; its networks are read when the first picture is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ....diffusers_host.base import Base, decode_picture, load_base
from ....diffusers_host.noise_levels import cpu_noise
from ....diffusers_host.text_encoders import encode_prompts
from ....models.weights.fingerprint import of_file
from ...metrics.networks import Networks
from ...protocol.sections import PicturesConfig
from ..host import Wanted
from .config import DiffusersConfig, PeopleConfig, device_of, dtype_of
from .method import Applied, Asked, Lent, Method
from .methods import METHODS
from .photos import Album
from .sampling import new_sampler, sample

PIXELS = 8  # of a picture's side to one of the latent's
NOTHING = Applied()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Easel:
    """Everything that pictures are drawn with.

    Attributes:
        base: the base model.
        method: brings people in; None draws the text alone.
        album: photos; None where nobody is looked at.
    """

    base: Base
    method: Method | None = None
    album: Album | None = None

    @torch.no_grad()
    def draw(self, wanted: Wanted, pictures: PicturesConfig, config: DiffusersConfig) -> np.ndarray:
        """A picture, (H, W, 3) uint8; raises as the method."""
        asked = Asked(prompt=wanted.prompt, negative=pictures.negative, steps=pictures.steps)
        applied = NOTHING
        if self.method is not None and self.album is not None:
            applied = self.method.apply(self.album.people(wanted.people), asked)
        text = applied.text
        if text is None:
            both = encode_prompts(self.base.text_encoders, [asked.negative, asked.prompt])
            text = lambda _: both  # noqa: E731
        shape = (1, self.base.unet.config["in_channels"], pictures.height // PIXELS, pictures.width // PIXELS)
        latents = sample(
            self.base,
            new_sampler(self.base, config.sampler, config.spacing, pictures.steps),
            cpu_noise(wanted.seed, shape),
            text,
            guidance=pictures.guidance,
            size=(pictures.height, pictures.width),
            residuals=applied.residuals,
            lora=applied.lora,
        )
        return decode_picture(self.base, latents)


class DiffusersDrawer:
    """Draws on diffusers; a `Drawer`.

    Args:
        config: the section.
        networks: recognisers and detectors.
    """

    def __init__(self, config: DiffusersConfig, networks: Networks) -> None:
        self.config, self._networks = config, networks
        self._easel: Easel | None = None

    @property
    def key(self) -> str:
        """Names every file by its content, and every setting."""
        named = {entry.name: _named(getattr(self.config, entry.name)) for entry in fields(self.config)}
        return " ".join(("diffusers", *(f"{name}={value}" for name, value in sorted(named.items()))))

    def draw(self, wanted: Wanted, pictures: PicturesConfig) -> np.ndarray:
        """A picture, (H, W, 3) uint8, see `Drawer`.

        Raises:
            LikenessError: if a file is not what it is named for, or nobody is found in a photo.
        """
        if self._easel is None:
            self._easel = set_up(self.config, self._networks)
        return self._easel.draw(wanted, pictures, self.config)


def set_up(config: DiffusersConfig, networks: Networks) -> Easel:
    """Read everything; raises as the loaders do."""
    device, dtype = device_of(config.device), dtype_of(config.dtype)
    base = load_base(config.checkpoint, vae=config.vae, prediction=config.prediction, dtype=dtype).to(device)
    if not isinstance(config, PeopleConfig):
        return Easel(base=base)
    lent = Lent(base=base, networks=networks, device=device, dtype=dtype)
    album = Album(networks.detectors[config.detector].load(config.detector_weights), config.photos)
    return Easel(base=base, method=METHODS[config.method].make(config, lent), album=album)


def _named(value: Any) -> str:
    if isinstance(value, Path):
        return of_file(value)
    if isinstance(value, Mapping):
        return str({name: _named(entry) for name, entry in sorted(value.items())})
    return str(value)
