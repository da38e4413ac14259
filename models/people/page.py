"""What the page's chips are told of a chain of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..records.legend import rgb_of
from .preview import Line


def people_records(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Everybody of a chain: {"name", "colour" (#rrggbb), "state", "is_in"}.

    Args:
        lines: one per person of the chain, in order, as the strip shows them.
    """
    return [
        {
            "name": line.person.name,
            "colour": "#{:02x}{:02x}{:02x}".format(*rgb_of(place)),
            "state": line.state,
            "is_in": line.is_in,
        }
        for place, line in enumerate(lines)
    ]
