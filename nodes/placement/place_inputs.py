"""The inputs of Place People."""

from __future__ import annotations

from typing import get_args

from comfy_api.latest import io

from ...host.encoders.detector import SEARCHING
from ...models.placement.faces import EVERY
from ...models.placement.found import OTHERWISE
from ...models.placement.given import Order
from ...models.placement.rule import By
from ...models.uniportrait.application import AUTO, LONGEST
from ..schema import ADVANCED, People, UniPortrait, given_detector, recogniser_file

Boxes = io.Custom("BOUNDING_BOX")  # of newer versions of ComfyUI
Landmarks = io.Custom("FACE_LANDMARKS")  # likewise, of MediaPipe Face Landmarker


def widgets() -> list[io.Input]:
    """What is chosen and written."""
    return [
        io.Combo.Input(
            "by",
            options=list(get_args(By)),
            default="words",
            tooltip="words: each stands where their words in Encode People Prompt are drawn. faces: around the faces that a detector "
            "sees in the preview (connect vae). masks: inside the masks of Add Person, or those connected here; one person may go "
            "without and gets the rest. router: UniPortrait's router (SD1.5; connect uniportrait).",
        ),
        io.Boolean.Input(
            "masks_first",
            default=True,
            tooltip="People with a mask stay inside it, and 'by' places the others. Off, masks are passed over.",
            **ADVANCED,
        ),
        io.Combo.Input(
            "order",
            options=list(get_args(Order)),
            default="left to right",
            tooltip="Whose face or box is which. left to right: in the order of the people; as given: boxes in the order of their "
            "list; most alike: faces of the preview by a recogniser (guidance: by its own features).",
            **ADVANCED,
        ),
        io.Combo.Input(
            "not_found",
            options=list(OTHERWISE),
            default="everybody",
            tooltip="Words and faces: whose the places are that belong to nobody who was found. everybody: those not found yet share "
            "them; nobody: nobody's; nearest: the nearest person's.",
            **ADVANCED,
        ),
        io.Boolean.Input(
            "soft",
            default=False,
            tooltip="People may share a place, in proportion to what is seen; off, each place is one person's.",
            **ADVANCED,
        ),
        io.Int.Input(
            "look_every",
            default=EVERY,
            min=1,
            max=100,
            tooltip="Faces: the detector looks at every so many-th step.",
            **ADVANCED,
        ),
        io.Combo.Input(
            "detector",
            options=list(SEARCHING),
            default="auto",
            tooltip="Faces: finds them in the preview; as in Detect Faces.",
            **ADVANCED,
        ),
        recogniser_file("Tells whose face is whose, for order: most alike."),
        io.Float.Input(
            "structure_scale",
            default=AUTO,
            min=-1.0,
            max=1.0,
            step=0.01,
            tooltip="Router: how much of each photo's facial structure it compares; -1 takes 0.3 for several people.",
            **ADVANCED,
        ),
        _side("width"),
        _side("height"),
        io.Int.Input(
            "route_every",
            default=1,
            min=1,
            max=LONGEST,
            optional=True,
            tooltip="Router: it chooses at every so many-th step and keeps the choice in between. Show Routing Map says how much of it "
            "stays the same from one choice to the next.",
            **ADVANCED,
        ),
    ]


def _side(name: str) -> io.Input:
    return io.Int.Input(
        name,
        default=0,
        min=0,
        max=16384,
        tooltip=f"{name.capitalize()} of the picture whose pixels the boxes are, if no image is connected.",
        **ADVANCED,
    )


def sockets() -> list[io.Input]:
    """What is connected."""
    return [
        People.Input(
            "people",
            optional=True,
            tooltip="The people, from Add Person; needed where masks are of several pictures or boxes of more people.",
        ),
        io.Vae.Input("vae", optional=True, tooltip="For faces: decodes the previews; a TAESD from Load VAE is fast."),
        UniPortrait.Input(
            "uniportrait",
            optional=True,
            tooltip="For router: from Load UniPortrait, with its router file. The method that brings the faces may be another one.",
        ),
        io.Mask.Input(
            "masks",
            optional=True,
            tooltip="One mask per person in the order of the people, in place of their own; of several pictures one after another.",
        ),
        Boxes.Input(
            "boxes",
            optional=True,
            tooltip="Boxes of people, as masks: from RT-DETR, SAM3, SDPose or the box editor. Connect image too.",
            extra_dict={"forceInput": True},  # newer pages make a widget of this type
        ),
        Landmarks.Input(
            "landmarks",
            optional=True,
            tooltip="Faces of MediaPipe Face Landmarker: head and shoulders around each, as masks.",
        ),
        io.Image.Input("image", optional=True, tooltip="The picture that boxes were found in; only its size counts."),
        given_detector(),
    ]
