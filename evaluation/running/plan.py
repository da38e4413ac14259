"""The plan of a run: one picture for every combination of people, every prompt and every seed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from ..hosts.host import Wanted
from ..protocol.file import Protocol
from ..protocol.people import PersonFolder
from ..protocol.sections import PLACE


def plan(protocol: Protocol) -> tuple[Wanted, ...]:
    """All pictures of a protocol, in their order."""
    return tuple(
        Wanted(
            people=people,
            prompt=fill(prompt, people, protocol.mark),
            said=fill(prompt, people),
            seed=seed,
            place=(subject, number, place),
        )
        for subject, people in enumerate(combinations(protocol.people, protocol.together))
        for number, prompt in enumerate(protocol.prompts)
        for place, seed in enumerate(protocol.pictures.seeds)
    )


def fill(prompt: str, people: Sequence[PersonFolder], mark: str = "") -> str:
    """A prompt with the nouns of people at their places.

    Args:
        prompt: `{1}` is the noun of the first person.
        people: at least as many as it has places.
        mark: follows every noun; `{}` in it is the number of the person.
    """

    def noun(found: re.Match[str]) -> str:
        return people[int(found[1]) - 1].noun + mark.replace("{}", found[1])

    return PLACE.sub(noun, prompt)
