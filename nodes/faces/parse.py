"""Facial regions of pictures: load the face parser, and one mask per region."""

from __future__ import annotations

from comfy_api.latest import io, ui
from torch import Tensor

from ...host.encoders.parser import LoadedFaceParser, load_face_parser, parse_pictures
from ...host.files import list_files, resolve
from ...models.face.parsing import labels_tensor
from ...models.face.region_masks import MOST_EXPANDED, MOST_FEATHERED, REGIONS, mask_tensor
from ...models.face.types import FaceSet
from ..schema import FACE_PARSER_FILE, SHOWS, FaceParser, Faces, found_by, shelf


def size_input(tooltip: str) -> io.Input:
    """What the face parser sees."""
    return io.Int.Input("size", default=512, min=256, max=1280, step=32, tooltip=tooltip)


class LoadFaceParser(io.ComfyNode):
    """Reads the face parser."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadFaceParser",
            display_name="Load Face Parser",
            category=shelf("Faces"),
            description="Loads the network that tells skin, hair, eyes, nose, lips and other facial regions apart.",
            **found_by("bisenet", "face parsing"),
            inputs=[
                io.Combo.Input(
                    "face_parser",
                    options=list_files("face_parsing"),
                    tooltip=FACE_PARSER_FILE,
                ),
            ],
            outputs=[FaceParser.Output(display_name="face_parser", tooltip="The face parser.")],
        )

    @classmethod
    def execute(cls, face_parser: str) -> io.NodeOutput:
        return io.NodeOutput(load_face_parser(resolve("face_parsing", face_parser)))


class ParseFace(io.ComfyNode):
    """Gives one mask per facial region."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessParseFace",
            display_name="Parse Face",
            category=shelf("Faces"),
            description="Finds the regions of faces and gives a mask of each, for inpainting, detailers and regional "
            "prompts.",
            **SHOWS,
            **found_by("face parsing", "segment face", "hair mask", "eyes mask", "bisenet"),
            inputs=[
                FaceParser.Input("face_parser", tooltip="The face parser, from Load Face Parser."),
                io.Image.Input("image", tooltip="One or more pictures. Alpha is ignored."),
                Faces.Input(
                    "faces",
                    optional=True,
                    tooltip="Faces that Detect Faces took in these pictures. Then each face's surroundings are looked at "
                    "by themselves, which finds the regions of small faces, and all else counts as background. Without "
                    "faces the whole picture is looked at, which suits portraits.",
                ),
                size_input("Side in pixels of the square that the network sees. 512 is what it was trained with."),
                io.Float.Input(
                    "margin",
                    default=0.5,
                    min=0.0,
                    max=4.0,
                    step=0.05,
                    tooltip="With faces: surroundings that are looked at, added on each side, in face sizes. More of it "
                    "brings in hair, neck and clothes.",
                ),
                io.Int.Input(
                    "expand",
                    default=0,
                    min=-MOST_EXPANDED,
                    max=MOST_EXPANDED,
                    tooltip="Grows every mask by that many pixels; negative values shrink it.",
                ),
                io.Int.Input(
                    "feather",
                    default=0,
                    min=0,
                    max=MOST_FEATHERED,
                    tooltip="Width of the soft edge in pixels, half of it inside the region. 0 gives a hard edge.",
                ),
            ],
            outputs=[
                *(io.Mask.Output(display_name=name, tooltip=region.about) for name, region in REGIONS.items()),
                io.Image.Output(
                    display_name="preview", tooltip="The pictures with every region in its colour; see the help page."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        face_parser: LoadedFaceParser,
        image: Tensor,
        size: int,
        margin: float,
        expand: int,
        feather: int,
        faces: FaceSet | None = None,
    ) -> io.NodeOutput:
        pictures, labels = parse_pictures(face_parser, image, faces, size=size, margin=margin)
        preview = labels_tensor(pictures, labels)
        masks = (mask_tensor(labels, name, expand=expand, feather=feather) for name in REGIONS)
        return io.NodeOutput(*masks, preview, ui=ui.PreviewImage(preview, cls=cls))


NODES: list[type[io.ComfyNode]] = [LoadFaceParser, ParseFace]
