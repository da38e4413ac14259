"""Verdicts written by hand."""

from __future__ import annotations

from typing import Any

import torch
from likeness.miniature.judge.judge import Verdict
from likeness.miniature.judge.readers import BACKDROP, PERSON
from likeness.miniature.world.people.identity import ATTRIBUTES


def sure(answers, sizes):
    """Logarithms of probabilities that are sure of some answers, (F, sizes)."""
    logits = torch.zeros(len(answers), sizes)
    logits[torch.arange(len(answers)), answers] = 6
    return logits.log_softmax(-1)


def verdict_of(*people, clothing=None, accessory=None, pattern=0, tint=0, at=None):
    """What is seen of these people from left to right."""
    codes = torch.tensor(people, dtype=torch.int64).reshape(-1, len(ATTRIBUTES))
    said = dict(zip((each.name for each in ATTRIBUTES), codes.unbind(-1), strict=True))
    said |= {"clothing": torch.tensor(clothing or [0] * len(people), dtype=torch.int64)}
    said |= {"accessory": torch.tensor(accessory or [0] * len(people), dtype=torch.int64)}
    places = torch.tensor(at or list(range(len(people))), dtype=torch.float32)
    return Verdict(
        points=places[:, None, None].expand(-1, 5, 2),
        people={name: sure(answers, PERSON[name]) for name, answers in said.items()},
        backdrop={"pattern": sure([pattern], BACKDROP["pattern"])[0], "tint": sure([tint], BACKDROP["tint"])[0]},
    )


def truth(scene, row) -> tuple[list[list[int]], dict[str, Any]]:
    """The people of a picture, and what else a judge who knows everything sees."""
    facts, count = scene.facts, int(scene.facts.people[row])
    return scene.codes[row, :count].tolist(), {
        "clothing": facts.clothing[row, :count].tolist(),
        "accessory": facts.accessory[row, :count].tolist(),
        "pattern": int(facts.pattern[row]),
        "tint": int(facts.tint[row]),
        "at": scene.points[row, :count, :, 0].mean(-1).tolist(),
    }
