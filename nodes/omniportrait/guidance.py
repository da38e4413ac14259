"""Apply Reference-Based Guidance: pulls faces towards their references while sampling."""

from __future__ import annotations

from functools import partial
from typing import Any

from comfy_api.latest import io

from ...host.encoders.detector import DetectorChoice, choose_detector
from ...host.encoders.parser import LoadedFaceParser
from ...host.omniportrait.finding import ByFace, ByMaskAlone, ByWord, Finding
from ...host.omniportrait.guidance import ReferenceLook, apply_guidance
from ...host.placement import LoadedPlacement
from ...host.sampling.schedule import sigma_window
from ...host.unet.levels import Detail
from ...models.omniportrait.guidance_settings import GuidanceSettings, StepMode, StrengthMode
from ...models.omniportrait.mask_sources import FaceOrder
from ...models.people.person import People as Chain
from ...models.port.encoders import FaceDetector as Detector
from ..previews import HIDDEN, applied_output, applied_outputs
from ..schema import FaceParser, People, Placement, found_by, given_detector, model_input, shelf
from .guidance_inputs import FindBy, guidance_widgets

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
                    tooltip="From Place People. It comes after people's own masks and before 'find_by', which it overrules.",
                ),
                given_detector(),
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
        find_by: FindBy,
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
        face_order: FaceOrder,
        detector: DetectorChoice,
        face_parser: LoadedFaceParser | None = None,
        placement: LoadedPlacement | None = None,
        face_detector: Detector | None = None,
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
        ways: dict[FindBy, Finding] = {
            "word in the prompt": ByWord(),
            "face in the preview": ByFace(
                partial(choose_detector, detector, given=face_detector, remembers=False), face_order
            ),
            "mask": ByMaskAlone(),
        }
        look = ReferenceLook(vae=vae, parser=face_parser, size=reference_size, detail=features)
        applied = apply_guidance(model, people, settings, ways[find_by], look=look, where=placement)
        note = ELLIPSE if applied.is_applied and face_parser is None else ""
        return applied_output(applied, cls, note)


NODES: list[type[io.ComfyNode]] = [ApplyReferenceGuidance]
