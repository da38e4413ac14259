"""Cases that once failed, by kind and seed; they run every time."""

from __future__ import annotations

REGRESSIONS: tuple[tuple[str, int], ...] = ()
