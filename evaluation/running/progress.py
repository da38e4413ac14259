"""Progress on standard error: how much of a run is done, and how long the rest may take."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

EVERY = 1.0  # seconds between two lines where nobody watches a terminal; a terminal's line is written over


@dataclass(slots=True)
class Progress:
    """One part of a run.

    Attributes:
        name: "drawing", "measuring clip_t".
        total: pictures in all.
        done: of them, when it begins and as it goes.
    """

    name: str
    total: int
    done: int = 0
    _begun: tuple[float, int] = field(init=False)
    _told: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._begun = (time.monotonic(), self.done)
        self._tell()

    def add(self, count: int) -> None:
        """Say that more pictures are done."""
        self.done += count
        now = time.monotonic()
        if self.done == self.total or now - self._told >= EVERY:
            self._told = now
            self._tell()

    def _tell(self) -> None:
        start, had = self._begun
        made, passed = self.done - had, time.monotonic() - start
        rest = f", {passed / made * (self.total - self.done):.0f} s to go" if made and self.done < self.total else ""
        end = "\n" if self.done == self.total or not sys.stderr.isatty() else ""
        begin = "\r\x1b[K" if sys.stderr.isatty() else ""
        sys.stderr.write(f"{begin}{self.name}: {self.done} of {self.total} pictures{rest}{end}")
        sys.stderr.flush()
