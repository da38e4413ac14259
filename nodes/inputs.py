"""Inputs that several nodes have in common."""

from __future__ import annotations

from comfy_api.latest import io

from .versions import ADVANCED

DETECTOR = (
    "auto: insightface if its files are there (buffalo_l in models/insightface; non-commercial research only), else YuNet (in "
    "models/face_detection; MIT). given region: you write where the faces are. face crop: the picture already is an aligned "
    "face. drawn faces: those of the miniature. The last three need no file."
)
REGION = (
    "For 'given region', in pixels, one face per line: 10 numbers (x y of left eye, right eye, nose, left and right corner of "
    "the mouth, as seen in the picture) or 4 numbers (box x0 y0 x1 y1). A line 'image 2' starts the faces of the second "
    "picture."
)


def start_percent(default: float = 0.0, tooltip: str = "Where in the sampling the person starts to act.") -> io.Input:
    """The beginning of a window on the sampling."""
    return io.Float.Input("start_percent", default=default, min=0.0, max=1.0, step=0.001, tooltip=tooltip, **ADVANCED)


def end_percent(default: float = 1.0, tooltip: str = "Where in the sampling the person stops acting.") -> io.Input:
    """The end of a window on the sampling."""
    return io.Float.Input("end_percent", default=default, min=0.0, max=1.0, step=0.001, tooltip=tooltip, **ADVANCED)


def lora_strength() -> io.Input:
    """The strength of an adapter's LoRA."""
    return io.Float.Input(
        "lora_strength",
        default=1.0,
        min=0.0,
        max=2.0,
        step=0.01,
        tooltip="Strength of the adapter's LoRA; on for the whole run.",
        **ADVANCED,
    )


def model_input(tooltip: str) -> io.Input:
    """The MODEL that people are put into."""
    return io.Model.Input("model", tooltip=tooltip)
