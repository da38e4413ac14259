"""ConsistentID's facial regions: parts of a photo that go into the prompt."""

from __future__ import annotations

from typing import Any, Literal, get_args

from comfy_api.latest import io, ui
from torch import Tensor

from ...host.consistentid.adapter import LoadedConsistentID
from ...host.consistentid.regions import encode_regions, require_regions
from ...host.encoders.parser import LoadedFaceParser
from ...models.consistentid.identity import FacialRegions as Regions
from ...models.face.types import FaceSet
from ..sockets import CATEGORY, ConsistentID, FaceParser, Faces, FacialRegions

FEATURES = ("face", "eyes", "ears", "nose", "mouth")
OnNoRegion = Literal["error", "pass model through"]


def photo_inputs() -> list[io.Input]:
    """What every node that reads a photo needs."""
    return [
        ConsistentID.Input("consistentid", tooltip="The adapter, from Load ConsistentID."),
        io.ClipVision.Input("clip_vision", tooltip="The image encoder of the adapter: OpenCLIP ViT-H/14."),
        io.MultiType.Input(
            "photo",
            [io.Image, Faces],
            tooltip="One or more photos of one person, or faces from Detect Faces. Published mode looks at the first photo "
            "as a whole; corrected mode uses all of them, and of faces only their surroundings.",
        ),
    ]


class EncodeFacialRegions(io.ComfyNode):
    """Turns parts of a face into conditions."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        switches = [
            io.Boolean.Input(name, default=True, tooltip=f"Whether this photo gives the {name}.") for name in FEATURES
        ]
        strengths = [
            io.Float.Input(
                f"{name}_strength",
                default=1.0,
                min=0.0,
                max=2.0,
                step=0.01,
                tooltip=f'How far the word "{name}" is moved towards this photo; 1 is the published behaviour.',
            )
            for name in FEATURES
        ]
        return io.Schema(
            node_id="LikenessEncodeFacialRegions",
            display_name="Encode Facial Regions",
            category=CATEGORY,
            description="Takes face, eyes, ears, nose and mouth of a photo as conditions. Chain two of these to mix the "
            "regions of different people.",
            inputs=[
                *photo_inputs(),
                FaceParser.Input("face_parser", tooltip="From Load Face Parser."),
                *switches,
                *strengths,
                io.Combo.Input(
                    "on_no_face",
                    options=list(get_args(OnNoRegion)),
                    default="error",
                    tooltip="What to do if none of the regions is found: stop with an error, or go on without regions.",
                ),
                FacialRegions.Input(
                    "regions",
                    optional=True,
                    tooltip="Regions of somebody else: used for everything that is switched off here or not seen in this "
                    "photo.",
                ),
            ],
            outputs=[
                FacialRegions.Output(display_name="regions", tooltip="The regions, for Add ConsistentID Identity."),
                io.Image.Output(display_name="preview", tooltip="The regions of this photo, one beside the other."),
                io.String.Output(
                    display_name="found", tooltip="Which regions there are now, such as Face, Left_Eye, Nose."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        consistentid: LoadedConsistentID,
        clip_vision: Any,
        photo: Tensor | FaceSet,
        face_parser: LoadedFaceParser,
        on_no_face: OnNoRegion,
        regions: Regions | None = None,
        **choices: Any,
    ) -> io.NodeOutput:
        strengths = {name: choices[f"{name}_strength"] for name in FEATURES if choices[name]}
        encoded = encode_regions(consistentid, clip_vision, face_parser, photo, strengths, regions)
        if strengths and on_no_face == "error":
            require_regions(encoded)
        preview = encoded.preview
        found = ", ".join(encoded.regions.names)
        return io.NodeOutput(encoded.regions, preview, found, ui=ui.PreviewImage(preview, cls=cls))


NODES: list[type[io.ComfyNode]] = [EncodeFacialRegions]
