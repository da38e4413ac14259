"""People and steps for tests of masks and guidance."""

from __future__ import annotations

import torch
from likeness.models.omniportrait.guided_person import GuidedPerson
from likeness.models.placement.masks import ellipse
from likeness.models.port.guidance import GuidedStep
from likeness.models.port.word_attention import Projected, WordAttention

SIDE = 16
LEFT, RIGHT = (0.1, 0.3, 0.4, 0.8), (0.6, 0.2, 0.9, 0.7)


def step(rows=1, attention=None, memory=None, features=None):
    return GuidedStep(
        features=torch.randn(rows, 8, 8, 8) if features is None else features,
        size=(SIDE, SIDE),
        sigma=1.0,
        denoised=torch.zeros(rows, 4, SIDE, SIDE),
        attention=attention,
        memory={} if memory is None else memory,
    )


def people(count=2, features=None):
    return [
        GuidedPerson(name=name, place=place, features=None if features is None else features[place])
        for place, name in enumerate(("Ann", "Ben")[:count])
    ]


def blob(box):
    return ellipse(torch.tensor(box), (SIDE, SIDE))


def attention(*columns):
    """Columns (SIDE, SIDE), and self-attention that looks at near positions."""
    y, x = torch.meshgrid(torch.arange(SIDE).float(), torch.arange(SIDE).float(), indexing="ij")
    angles = torch.stack([part.flatten() * torch.pi / SIDE for part in (y, x)])
    places = torch.cat((angles.sin(), angles.cos())).T[None] * 6
    return WordAttention(
        {place: column[None] for place, column in enumerate(columns)}, (Projected(places, places, 1),), (SIDE, SIDE)
    )
