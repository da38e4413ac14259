"""The widgets of Apply Reference-Based Guidance."""

from __future__ import annotations

from typing import Any, Literal, get_args

from comfy_api.latest import io

from ...host.encoders.detector import DRAWN, DetectorChoice
from ...host.unet.levels import Detail
from ...models.omniportrait.guidance_settings import StepMode, StrengthMode
from ...models.omniportrait.mask_sources import FaceOrder
from ..schema import ADVANCED

FindBy = Literal["word in the prompt", "face in the preview", "mask"]
DETECTORS: tuple[DetectorChoice, ...] = ("auto", "insightface", "yunet", DRAWN)


def guidance_widgets() -> list[io.Input]:
    """How strongly, when, where and by which features people are pulled, in the order of the node."""
    return [
        io.Float.Input(
            "strength",
            default=0.15,
            min=0.0,
            max=1000.0,
            step=0.01,
            tooltip="How strongly faces are pulled, times the strength of each person. relative: 0.15 to begin with, up "
            "to 1; paper modes: the paper takes 8.5. 0 leaves the model as it is.",
        ),
        _choice(
            "find_by",
            FindBy,
            "face in the preview",
            "Where people are who have no mask, unless a placement says it: at the words before @id1, @id2 … of "
            "Encode People Prompt or a method's own prompt node; at the faces that a detector finds in a preview; or nowhere, so that everybody "
            "needs a mask.",
        ),
        _share("start_percent", 0.4, "Where it begins; the paper's u = 0.6. Earlier changes the layout."),
        _share("end_percent", 1.0, "Where in the sampling it ends."),
        _choice(
            "strength_mode",
            StrengthMode,
            "relative",
            "relative: a share of what classifier-free guidance does, works alike on every model. paper_mean, "
            "paper_sum: the paper's p, with the mean or the sum of all similarities; has to be tuned.",
            **ADVANCED,
        ),
        _count(
            "every_k",
            1,
            100,
            "A new gradient every so many steps; those between use it again. 2 costs half.",
            **ADVANCED,
        ),
        _choice(
            "step_mode",
            StepMode,
            "eps",
            "eps: as the paper. x0_only: moves the picture and not the noise, which acts several times as "
            "strongly; lower the strength.",
            **ADVANCED,
        ),
        _choice(
            "features",
            Detail,
            "coarse",
            "coarse: at half the latent's side, sure matches. fine: at all of it, small details, more memory.",
            **ADVANCED,
        ),
        io.Int.Input(
            "reference_size",
            default=0,
            min=0,
            max=2048,
            step=64,
            tooltip="Pixels of the square around each photo's face that the model looks at; 0 is the size of the model's "
            "own pictures: 512 for SD1.5, 1024 for SDXL, 128 for the miniature.",
            **ADVANCED,
        ),
        _share(
            "reference_percent",
            0.329,
            "How far the noise on the photos has come down when their features are read: 0.329 is the paper's t0 = 671.",
            **ADVANCED,
        ),
        _count(
            "seeds",
            4,
            64,
            "With how many noises the photos are read; their mean is taken. Costs time once.",
            **ADVANCED,
        ),
        io.Boolean.Input(
            "keep_background",
            default=True,
            tooltip="Moves the inside of each person's mask alone; off, the whole picture may change.",
            **ADVANCED,
        ),
        _choice(
            "face_order",
            FaceOrder,
            "left to right",
            "For 'face in the preview': which face is whose. left to right: in the order of the people; most "
            "alike: to whom its features fit best.",
            **ADVANCED,
        ),
        io.Combo.Input(
            "detector",
            options=list(DETECTORS),
            default="auto",
            tooltip="For 'face in the preview': as in Detect Faces; looks every fifth guided step.",
            **ADVANCED,
        ),
    ]


def _choice(name: str, kind: Any, default: str, tooltip: str, **options: Any) -> io.Input:
    """A choice among the values of a literal type."""
    return io.Combo.Input(name, options=list(get_args(kind)), default=default, tooltip=tooltip, **options)


def _count(name: str, default: int, most: int, tooltip: str, **options: Any) -> io.Input:
    """A number from 1."""
    return io.Int.Input(name, default=default, min=1, max=most, tooltip=tooltip, **options)


def _share(name: str, default: float, tooltip: str, **options: Any) -> io.Input:
    """A part of the sampling."""
    return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.001, tooltip=tooltip, **options)
