"""What the nodes that take faces share: which are taken, and what they give."""

from __future__ import annotations

from typing import get_args

from comfy_api.latest import io

from ...models.face.analysis import Order, Take
from ...models.face.types import OnNoFace
from ..schema import ADVANCED, Faces


def selection_inputs() -> list[io.Input]:
    """Which faces are taken."""
    return [
        io.Combo.Input(
            "order",
            options=list(get_args(Order)),
            default="largest first",
            tooltip="How the faces of each picture are numbered. The preview shows the numbers.",
        ),
        io.Combo.Input(
            "take",
            options=list(get_args(Take)),
            default="one per image",
            tooltip="Take one face of every picture, or all of them. Several faces given to one person should all show "
            "that person.",
        ),
        io.Int.Input(
            "number",
            default=1,
            min=1,
            max=64,
            tooltip="Number of the face that 'one per image' takes, as the preview shows it. Ignored by 'all'.",
        ),
        _point("point_x", "width"),
        _point("point_y", "height"),
    ]


def _point(name: str, side: str) -> io.Input:
    return io.Float.Input(
        name,
        default=0.5,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip=f"For the order 'nearest to point': where the point is, as a fraction of the picture's {side}.",
        **ADVANCED,
    )


def on_no_face_input() -> io.Input:
    """What a picture without a face means."""
    return io.Combo.Input(
        "on_no_face",
        options=list(get_args(OnNoFace)),
        default="error",
        tooltip="What to do with a picture that has no face to take: stop with an error; leave that picture out (an "
        "error only if no face is left at all); or go on even without any face.",
        **ADVANCED,
    )


def face_outputs() -> list[io.Output]:
    """The faces and pictures of them."""
    return [
        Faces.Output(display_name="faces", tooltip="The faces taken, for Add Person, Pick Faces or Crop Face."),
        io.Image.Output(
            display_name="preview",
            tooltip="The pictures with every face found: numbered in their order, the taken ones green with five points.",
        ),
        io.Image.Output(
            display_name="crops",
            tooltip="The aligned 224×224 crops of the faces taken; one black crop if there is none.",
        ),
        io.Boolean.Output(display_name="face_found", tooltip="Whether at least one face was taken."),
        io.Int.Output(display_name="count", tooltip="How many faces were taken."),
    ]
