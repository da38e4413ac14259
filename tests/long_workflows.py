"""Which full-size workflows only `make test-long` runs: their likes run in every `make test`."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

LONG = (
    "one-person",
    "three-people",
    "two-people-controlnet-lora",
    "two-people-masks",
    "group-hires",
    "consistentid-inpaint",
    "consistentid-two-people-router",
    "consistentid-region-mixing",
    "consistentid-sdxl-portrait",
    "reference-guidance",
    "omniportrait-portrait",
    "omniportrait-two-people",
    "uniportrait-guidance",
    "consistentid-guidance",
)


def marked(names: Iterable[str]) -> list[object]:
    """Parameters of a test: the names, the long ones with their mark."""
    return [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in names]
