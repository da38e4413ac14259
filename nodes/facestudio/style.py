"""Encode Style: a picture becomes a style, its faces hidden."""

from __future__ import annotations

from comfy_api.latest import io, ui
from torch import Tensor

from ...host.encoders.detector import CHOICES, DetectorChoice
from ...host.encoders.parser import LoadedFaceParser
from ...host.encoders.style_pictures import Masking, ReadsStyles, encode_style_pictures
from ...models.facestudio.style_encoding import seen_images, style_preview
from ...models.port.encoders import FaceDetector as Detector
from ..schema import (
    ADVANCED,
    DETECTOR,
    REGION,
    SHOWS,
    FaceParser,
    FaceStudio,
    Style,
    found_by,
    given_detector,
    shelf,
)

DETECTORS = [choice for choice in CHOICES if choice != "face crop"]  # that one would hide the whole picture


class EncodeStyle(io.ComfyNode):
    """Encodes a style picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessEncodeStyle",
            display_name="Encode Style",
            category=shelf("FaceStudio"),
            description="Encodes what a picture shows and how it is drawn, with all its faces hidden: whose face it gets is "
            "said by the people, not by the style picture.",
            **SHOWS,
            **found_by("style", "style picture", "style transfer", "image prompt", "clip vision encode", "facestudio"),
            inputs=[
                FaceStudio.Input(
                    "facestudio", tooltip="The method, from Load FaceStudio: the picture is read by its own encoder."
                ),
                io.Image.Input(
                    "picture",
                    tooltip="The picture to follow in content and style. Several, as a batch, act as their mean. Pictures longer "
                    "than 4:3 are seen whole between bars, others as their middle square.",
                ),
                io.Boolean.Input(
                    "mask_face",
                    default=True,
                    tooltip="Hide all faces of the picture before it is encoded, as in training. Off, the face in the picture "
                    "competes with that of the person.",
                ),
                io.Combo.Input("detector", options=DETECTORS, default="auto", tooltip=DETECTOR, **ADVANCED),
                io.String.Input("region", default="", multiline=True, tooltip=REGION, **ADVANCED),
                FaceParser.Input(
                    "face_parser",
                    optional=True,
                    tooltip="From Load Face Parser: hides exactly the face, without hair, ears and neck. Without it the ellipse "
                    "of its box is hidden.",
                ),
                given_detector(),
                io.Mask.Input(
                    "mask", optional=True, tooltip="What else is hidden, such as a face that no detector finds."
                ),
            ],
            outputs=[
                Style.Output(display_name="style", tooltip="For Apply FaceStudio."),
                io.Image.Output(display_name="preview", tooltip="What the encoder saw, 224 × 224 pixels a picture."),
            ],
        )

    @classmethod
    def execute(
        cls,
        facestudio: ReadsStyles,
        picture: Tensor,
        mask_face: bool,
        detector: DetectorChoice,
        region: str,
        face_parser: LoadedFaceParser | None = None,
        face_detector: Detector | None = None,
        mask: Tensor | None = None,
    ) -> io.NodeOutput:
        masking = Masking(
            faces=mask_face, detector=detector, region=region, given=face_detector, parser=face_parser, mask=mask
        )
        style = encode_style_pictures(facestudio, picture, masking)
        return io.NodeOutput(style, seen_images(style), ui=ui.PreviewImage(style_preview(style), cls=cls))


NODES: list[type[io.ComfyNode]] = [EncodeStyle]
