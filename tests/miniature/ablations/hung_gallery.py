"""A gallery with values written by hand, for whatever reports on one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from likeness.miniature.ablations.arms import Drawn
from likeness.miniature.studio.drawing import Settings

PICTURES = 4
METRICS = (
    "identity",
    "skin",
    "hair colour",
    "eyes",
    "text",
    "copying",
    "recognised",
    "blending",
    "outside",
    "likeness",
    "overlap",
    "clear",
)


class Questions:
    """Stands for questions: has portraits, and so many of them."""

    def __init__(self, people):
        self.references = torch.rand(PICTURES, people, 3, 128, 128, generator=torch.Generator().manual_seed(people))

    def __len__(self):
        return PICTURES


def values_around(mean, seed=0):
    """Values of every metric with about this mean."""
    numbers = np.random.default_rng(seed)
    return {metric: (mean + numbers.normal(0, 0.01, PICTURES)).tolist() for metric in METRICS}


def hang(arms, values=None):
    """A gallery of these arms; `values` gives the mean of some of them, the others have 0.5."""
    means = dict.fromkeys(arms, 0.5) | (values or {})
    latents = torch.zeros(PICTURES, 4, 16, 16)
    return SimpleNamespace(
        renderer=SimpleNamespace(settings=Settings(steps=7, guidance=3.5)),
        questions={people: Questions(people) for people in (1, 2)},
        limits=lambda people: values_around(0.9 + people / 100),
        values={name: values_around(mean, number) for number, (name, mean) in enumerate(means.items())},
        pictures={name: torch.full((PICTURES, 3, 128, 128), (number % 10) / 10) for number, name in enumerate(means)},
        drawn={
            name: Drawn(latents=latents, entropies=torch.tensor([0.25]), likeness=torch.full((PICTURES, 2), torch.nan))
            for name in means
        },
    )
