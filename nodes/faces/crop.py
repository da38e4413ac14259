"""One face at a time: crop it for a second pass and paste the result back."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from ...models.face.cropping import crop_face
from ...models.face.squares import FaceSquare as Square
from ...models.face.squares import put_back
from ...models.face.types import FaceSet
from ...models.images.layout import rgb_images
from ..schema import Faces, FaceSquare, found_by, shelf


class CropFace(io.ComfyNode):
    """Cuts one face out of a picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessCropFace",
            display_name="Crop Face",
            category=shelf("Faces"),
            description="Cuts one face out, enlarged, so that a second pass can refine it; Paste Face puts it back. Needs "
            "faces, a mask, or both.",
            **found_by("face detailer", "inpaint face", "cut out face"),
            inputs=[
                io.Image.Input("image", tooltip="The picture, or an enlargement of the one the faces were found in."),
                io.Int.Input(
                    "number",
                    default=1,
                    min=1,
                    max=64,
                    tooltip="Which of the faces taken. With several masks (one per person): which mask.",
                ),
                io.Float.Input(
                    "margin",
                    default=1.0,
                    min=0.0,
                    max=4.0,
                    step=0.05,
                    tooltip="How much of the surroundings to include, added on each side, in face sizes. The square stays "
                    "inside the picture where it can.",
                ),
                io.Int.Input(
                    "size", default=512, min=64, max=2048, step=8, tooltip="Side of the square crop in pixels."
                ),
                Faces.Input("faces", optional=True, tooltip="Faces that Detect Faces found in this picture."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="With faces: the face that the mask covers most is taken, for example the mask of one person "
                    "from Show Routing Map. Without faces: the square around the mask is taken.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="crop", tooltip="The enlarged square around the face."),
                io.Mask.Output(
                    display_name="crop_mask",
                    tooltip="The face's box within the crop, for inpainting; without faces the mask's part of it.",
                ),
                FaceSquare.Output(display_name="square", tooltip="Where the crop belongs, for Paste Face."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: Tensor,
        number: int,
        margin: float,
        size: int,
        faces: FaceSet | None = None,
        mask: Tensor | None = None,
    ) -> io.NodeOutput:
        return io.NodeOutput(*crop_face(image, faces, mask, number=number, margin=margin, size=size))


class PasteFace(io.ComfyNode):
    """Puts a crop back into its picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessPasteFace",
            display_name="Paste Face",
            category=shelf("Faces"),
            description="Puts a crop back where Crop Face cut it out. Everything outside its square stays exactly as it was.",
            **found_by("face detailer", "put face back"),
            inputs=[
                io.Image.Input("image", tooltip="The picture that the face was cut out of, or one of the same size."),
                io.Image.Input("crop", tooltip="The crop after the second pass; any size."),
                FaceSquare.Input("square", tooltip="The square from Crop Face."),
                io.Int.Input(
                    "feather",
                    default=32,
                    min=0,
                    max=256,
                    tooltip="Width of the soft edge inside the crop, in pixels of the crop. 0 gives a hard edge.",
                ),
            ],
            outputs=[io.Image.Output(display_name="image", tooltip="The picture with the crop in its place.")],
        )

    @classmethod
    def execute(cls, image: Tensor, crop: Tensor, square: Square, feather: int) -> io.NodeOutput:
        return io.NodeOutput(put_back(rgb_images(image), rgb_images(crop, "crop"), square, feather))


NODES: list[type[io.ComfyNode]] = [CropFace, PasteFace]
