"""What every Apply node shows: who is in, in which colour, placed how, and who is not in the chain."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..host.people import AppliedPeople, outside_of
from ..models.people.preview import people_strip

HIDDEN = [io.Hidden.prompt, io.Hidden.unique_id]  # an Apply node declares them, to see who is outside of its chain


def applied_output(applied: AppliedPeople, cls: type[io.ComfyNode], note: str = "") -> io.NodeOutput:
    """The MODEL, whether anything was applied, and the strip of people.

    Args:
        applied: what came of it.
        cls: the node, which declares `HIDDEN`.
        note: a sentence below the people.
    """
    outside = outside_of(cls.hidden.prompt, str(cls.hidden.unique_id))
    if outside:
        listed = ", ".join(outside)
        note = f"Not in this chain: {listed}. Link the people output of one Add Person to the next. {note}".strip()
    strip = people_strip(applied.lines, note)
    return io.NodeOutput(applied.model, applied.is_applied, strip, ui=ui.PreviewImage(strip, cls=cls))


def applied_outputs(model: str) -> list[io.Output]:
    """The outputs of an Apply node; `model` says what its MODEL is for."""
    return [
        io.Model.Output(display_name="model", tooltip=model),
        io.Boolean.Output(display_name="applied", tooltip="False if nobody acts and the model was passed through."),
        io.Image.Output(display_name="preview", tooltip="Who is in, in which colour, and how each is placed."),
    ]
