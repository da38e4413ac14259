"""The miniature's own weights on the host, beside the studio, which draws with the same ones in ComfyUI's coordinates."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from likeness.diffusers_host.noise_levels import cpu_noise
from likeness.evaluation.hosts.diffusers.config import DiffusersConfig
from likeness.evaluation.hosts.diffusers.drawer import Easel
from likeness.evaluation.hosts.diffusers.photos import Album
from likeness.evaluation.hosts.host import Wanted
from likeness.evaluation.photos import read_photo
from likeness.evaluation.protocol.people import PersonFolder
from likeness.evaluation.protocol.sections import PicturesConfig
from likeness.miniature.kit.people import write_people
from likeness.miniature.studio.drawing import Settings, decode
from likeness.miniature.studio.studio import Shot, Studio
from likeness.models.images.layout import arrays_from_images
from likeness.models.miniature.finder import FinderDetector

PICTURES = PicturesConfig(width=64, height=96, steps=4, guidance=2.0)
PROMPT, SEED = "a man in a red shirt", 3
TRAILING = DiffusersConfig(checkpoint=Path(), spacing="trailing")  # the studio's timesteps; the checkpoint is not read
ROUNDING = 2  # of 255: the studio begins at a noise level of 4500, DDIM at pure noise


@cache
def studio() -> Studio:
    return Studio.load()


def people(folder: Path, count: int = 2) -> tuple[PersonFolder, ...]:
    return tuple(
        PersonFolder(name, noun, (folder / name / "portrait.png",))
        for name, noun in write_people(folder, count).items()
    )


def on_the_host(method, *somebody: PersonFolder) -> np.ndarray:
    wanted = Wanted(people=somebody, prompt=PROMPT, said=PROMPT, seed=SEED, place=(0, 0, 0))
    easel = Easel(base=studio().base, method=method, album=Album(FinderDetector(studio().finder), 1))
    return easel.draw(wanted, PICTURES, TRAILING)


def in_the_studio(*somebody: PersonFolder, **shot) -> np.ndarray:
    size = (1, studio().base.unet.config["in_channels"], PICTURES.height // 8, PICTURES.width // 8)
    references = tuple(read_photo(person.photos[0]) for person in somebody)
    asked = Shot(prompt=PROMPT, noise=cpu_noise(SEED, size), references=references, **shot)
    latents, _ = studio().draw(asked, Settings(steps=PICTURES.steps, guidance=PICTURES.guidance))
    [picture] = arrays_from_images(decode(studio().base, latents).permute(0, 2, 3, 1))
    return picture


def furthest(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())
