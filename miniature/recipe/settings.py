"""The numbers of the recipe: sizes, seeds, how many pictures are learned from, and how every network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ...models.miniature.sizes import BaseSizes
from .pool_files import POOL_FILES, PoolFiles
from .train_config import TrainConfig

SIZES = BaseSizes()
TRAIN_CONFIGS: Mapping[str, TrainConfig] = MappingProxyType(
    {
        "vae": TrainConfig(seed=0, steps=4000, batch=8, learning_rate=2e-3, decay=0.995, save_every=500),
        "base": TrainConfig(seed=0, steps=6000, batch=24, learning_rate=1.5e-3, decay=0.998, save_every=250),
        "base with faces": TrainConfig(seed=1, steps=5000, batch=24, learning_rate=1e-3, decay=0.998, save_every=250),
        "backbone": TrainConfig(seed=10, steps=1200, batch=32, learning_rate=2e-3, decay=0.0),
        "image encoder": TrainConfig(seed=11, steps=1500, batch=48, learning_rate=1e-3, decay=0.995),
        "finder": TrainConfig(seed=12, steps=1600, batch=16, learning_rate=2e-3, decay=0.995),
        "pivot's image encoder": TrainConfig(seed=14, steps=2000, batch=64, learning_rate=1e-3, decay=0.995),
        "parser": TrainConfig(seed=13, steps=800, batch=16, learning_rate=2e-3, decay=0.995),
        "judge's finder": TrainConfig(seed=20, steps=1600, batch=16, learning_rate=2e-3, decay=0.995),
        "judge of persons": TrainConfig(seed=21, steps=3000, batch=16, learning_rate=2e-3, decay=0.995),
        "judge of backdrops": TrainConfig(seed=22, steps=1000, batch=16, learning_rate=2e-3, decay=0.995),
        "reader of expressions": TrainConfig(seed=23, steps=1500, batch=16, learning_rate=2e-3, decay=0.995),
        "styled judge of persons": TrainConfig(seed=24, steps=800, batch=16, learning_rate=1e-3, decay=0.995),
        "styled judge of backdrops": TrainConfig(seed=25, steps=900, batch=16, learning_rate=1e-3, decay=0.995),
        "uniportrait stage I": TrainConfig(seed=1, steps=3000, batch=24, learning_rate=1e-3, decay=0.995),
        "uniportrait stage II": TrainConfig(seed=2, steps=2500, batch=16, learning_rate=1e-3, decay=0.995),
        "consistentid": TrainConfig(seed=3, steps=3000, batch=16, learning_rate=1e-3, decay=0.995),
        "omniportrait": TrainConfig(seed=4, steps=1500, batch=16, learning_rate=5e-3, decay=0.995),
        "ip-adapter faceid": TrainConfig(seed=5, steps=3000, batch=24, learning_rate=1e-3, decay=0.995),
        "facestudio": TrainConfig(seed=6, steps=5000, batch=24, learning_rate=1.5e-3, decay=0.995),
        "style adapter": TrainConfig(seed=7, steps=2000, batch=24, learning_rate=1e-3, decay=0.995),
        "prior": TrainConfig(seed=8, steps=3000, batch=64, learning_rate=1e-3, decay=0.995),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeSettings:
    """Everything that a recipe depends on; what it leaves unsaid is what the shipped weights were made with.

    Attributes:
        sizes: of the base model.
        seed: of base model and adapters; every other network has its own in its training.
        base_pictures: pictures that UNet and text encoder learn from in each of their two trainings.
        face_weight: weight of faces in the second of them, see `train_base`.
        people: fewest and most in one of these pictures.
        people_pictures: pictures that each stage of UniPortrait, OmniPortrait and IP-Adapter FaceID learn from.
        facial_pictures: pictures that ConsistentID learns from; six portraits of each are encoded.
        style_pictures: pictures that FaceStudio and the plain IP-Adapter learn from.
        captioned_pictures: pictures that the prior learns from.
        spread_pictures: pictures that the spread of the VAE's latents is measured on.
        files: how encoded pictures lie on disk.
        trainings: how every network is trained, by the name of what is kept of it.
    """

    sizes: BaseSizes = SIZES
    seed: int = 0
    base_pictures: int = 20_480
    face_weight: float = 4.0
    people: tuple[int, int] = (1, 2)
    people_pictures: int = 6_144
    facial_pictures: int = 3_072
    style_pictures: int = 4_096
    captioned_pictures: int = 3_072
    spread_pictures: int = 256
    files: PoolFiles = POOL_FILES
    trainings: Mapping[str, TrainConfig] = field(default_factory=lambda: TRAIN_CONFIGS)


SHIPPED = RecipeSettings()
