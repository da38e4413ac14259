"""What a case came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """The columns of the table in docs/reliability.md; what is wrong with the fuzz itself is the last."""

    SENTENCE = "one clear sentence"
    RAW = "raw error"
    HANG = "hang"
    DIED = "process died"
    ACCEPTED = "accepted, whole or harmless"
    DAMAGED = "accepted damaged"
    RAN = "code ran"
    UNFIT = "the fuzz itself failed"

    @property
    def is_good(self) -> bool:
        """Whether the pack did what it promises."""
        return self in (Outcome.SENTENCE, Outcome.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Result:
    """One case.

    Attributes:
        kind: of what was damaged.
        seed: with the kind, all that is needed to do it again.
        outcome: what it came to.
        said: the message, or what was found.
        damage: what was done to it.
    """

    kind: str
    seed: int
    outcome: Outcome
    said: str = ""
    damage: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.seed}: {self.outcome.value}: {self.said} [{self.damage}]"
