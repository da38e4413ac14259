"""The inputs of nodes that add a person to a chain."""

from __future__ import annotations

from comfy_api.latest import io

from ...models.people.person import MOST_STRENGTH
from ..schema import People


def person_name(empty: str) -> io.Input:
    """What the person is called.

    Args:
        empty: what an empty name means, the end of the tooltip.
    """
    return io.String.Input("name", default="", tooltip=f"What maps, messages and previews call this person. {empty}")


def person_strength() -> io.Input:
    """How strongly the person acts."""
    return io.Float.Input(
        "strength",
        default=1.0,
        min=0.0,
        max=MOST_STRENGTH,
        step=0.05,
        tooltip="How strongly the person acts, times the method's own strength. 0 switches them off; number, colour and place stay.",
    )


def people_before() -> io.Input:
    """The chain so far."""
    return People.Input("people", optional=True, tooltip="The people before this one.")


def person_mask() -> io.Input:
    """Where the person may be."""
    return io.Mask.Input(
        "mask",
        optional=True,
        tooltip="Where this person may be. Without a mask something else finds the place, see Place People.",
    )
