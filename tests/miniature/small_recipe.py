"""A recipe of a few pictures and steps, for whatever follows one."""

from __future__ import annotations

from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.recipe.settings import TRAIN_CONFIGS, RecipeSettings
from likeness.miniature.recipe.train_config import TrainConfig
from likeness.tests.miniature.small_base import SIZES

FEW_STEPS = TrainConfig(seed=2, steps=2, batch=2, learning_rate=1e-2, warmup=1, decay=0.0)


def small_settings(config=FEW_STEPS, pictures=4, **others):
    """Settings with the same few steps and pictures for everything."""
    settings = {
        "sizes": SIZES,
        "base_pictures": pictures,
        "people_pictures": pictures,
        "facial_pictures": pictures,
        "style_pictures": pictures,
        "captioned_pictures": pictures,
        "spread_pictures": 8,
        "files": PoolFiles(pictures=2, rows=2),
        "trainings": dict.fromkeys(TRAIN_CONFIGS, config),
    }
    return RecipeSettings(**settings | others)
