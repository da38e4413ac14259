"""Apply Reference-Based Guidance: pulls faces towards their references while sampling."""

from __future__ import annotations

from typing import Any, get_args

from comfy_api.latest import io

from ...host.encoders.parser import LoadedFaceParser
from ...host.omniportrait.guidance import ReferenceLook, apply_guidance
from ...host.placement import LoadedPlacement
from ...host.sampling.runs import sigma_window
from ...host.unet.sites import Detail
from ...models.omniportrait.guidance_settings import DEFAULT_STRENGTH, GuidanceSettings, StepMode, StrengthMode
from ...models.people.person import People as Chain
from ..schema import (
    ADVANCED,
    HIDDEN,
    SHOWS,
    FaceParser,
    People,
    Placement,
    applied_output,
    applied_outputs,
    found_by,
    model_input,
    shelf,
)

ELLIPSE = "Faces in the photos are outlined by the ellipse in their box; connect face_parser for their true outline."


class ApplyReferenceGuidance(io.ComfyNode):
    """Guides a MODEL."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessApplyReferenceGuidance",
            display_name="Apply Reference-Based Guidance",
            category=shelf("OmniPortrait"),
            description="Pulls every face towards its photos while sampling, on top of any checkpoint and any adapter.",
            **SHOWS,
            **found_by("omniportrait", "guidance", "same face", "likeness", "training free", "face guidance"),
            hidden=HIDDEN,
            inputs=[
                model_input("An SD1.5 or SDXL checkpoint, with or without adapters; connect this node last."),
                People.Input("people", tooltip="The people, from Add Person."),
                io.Vae.Input(
                    "vae", tooltip="The VAE of the checkpoint: photos are looked at and previews decoded by it."
                ),
                *guidance_widgets(),
                FaceParser.Input(
                    "face_parser",
                    optional=True,
                    tooltip="Finds the outline of faces in photos; else an ellipse is taken.",
                ),
                Placement.Input(
                    "placement",
                    optional=True,
                    tooltip="From Place People: where people are who have no mask. Without it faces are found in a preview, from left to "
                    "right, by the first detector whose file is there.",
                ),
            ],
            outputs=applied_outputs("The guided model, for the sampler."),
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        people: Chain,
        vae: Any,
        strength: float,
        start_percent: float,
        end_percent: float,
        strength_mode: StrengthMode,
        every_k: int,
        step_mode: StepMode,
        features: Detail,
        reference_size: int,
        reference_percent: float,
        seeds: int,
        keep_background: bool,
        face_parser: LoadedFaceParser | None = None,
        placement: LoadedPlacement | None = None,
    ) -> io.NodeOutput:
        settings = GuidanceSettings(
            mode=strength_mode,
            strength=strength,
            window=sigma_window(model, start_percent, end_percent),
            every=every_k,
            step_mode=step_mode,
            reference_percent=reference_percent,
            seeds=seeds,
            keeps_background=keep_background,
        )
        look = ReferenceLook(vae=vae, parser=face_parser, size=reference_size, detail=features)
        applied = apply_guidance(model, people, settings, look=look, where=placement)
        note = ELLIPSE if applied.is_applied and face_parser is None else ""
        return applied_output(applied, cls, note)


def guidance_widgets() -> list[io.Input]:
    """How strongly, when, where and by which features people are pulled, in the order of the node."""
    return [
        io.Float.Input(
            "strength",
            default=DEFAULT_STRENGTH,
            min=0.0,
            max=1000.0,
            step=0.01,
            tooltip="How strongly faces are pulled, times the strength of each person. relative: 1 moves a face as far as "
            "cfg does; 0.5 for details on top of a method, up to 3 by itself. 0 leaves the model as it is.",
        ),
        _share("start_percent", 0.4, "Where it begins; the paper's u = 0.6. Earlier changes the layout."),
        _share("end_percent", 1.0, "Where in the sampling it ends."),
        _choice(
            "strength_mode",
            StrengthMode,
            "relative",
            "relative: times what cfg does to the face at that step, whatever the model. paper_mean, paper_sum: "
            "the paper's p (8.5), with the mean or the sum of all similarities; the right number differs by model.",
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


NODES: list[type[io.ComfyNode]] = [ApplyReferenceGuidance]
