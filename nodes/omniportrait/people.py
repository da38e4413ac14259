"""OmniPortrait's people: photos whose faces are fused into the prompt and matched while sampling."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ...host.encoders.parser import LoadedFaceParser
from ...host.omniportrait.people import add_reference
from ...models.face.types import FaceSet, OnNoFace
from ...models.omniportrait.references import References as ReferenceChain
from ..inputs import on_no_face_input, person_results
from ..sockets import CATEGORY, FaceParser, Faces, References


class AddOmniPortraitReference(io.ComfyNode):
    """Adds one person to a chain."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessAddOmniPortraitReference",
            display_name="Add OmniPortrait Reference",
            category=CATEGORY,
            description="Adds one person with reference photos; chain several for several people in one picture.",
            inputs=[
                io.MultiType.Input(
                    "photo",
                    [io.Image, Faces],
                    tooltip="One or more photos of one person (the largest face of each is taken), or faces from Detect "
                    "Faces. All of them are references of this person.",
                ),
                io.Vae.Input("vae", tooltip="The VAE of the checkpoint; the guidance looks at the photos through it."),
                io.String.Input(
                    "name", default="", tooltip="What records and messages call this person; may stay empty."
                ),
                io.Int.Input(
                    "size",
                    default=512,
                    min=64,
                    max=2048,
                    step=64,
                    tooltip="Pixels of the square around the face that the model looks at: 512 for SD1.5, 1024 for SDXL, 128 "
                    "for the miniature.",
                ),
                on_no_face_input(),
                References.Input(
                    "references",
                    optional=True,
                    tooltip="The people before this one, from another Add OmniPortrait Reference. The first is @id1 in the "
                    "prompt.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where this person is in the picture. Without a mask Apply Reference-Based Guidance finds them.",
                ),
                FaceParser.Input(
                    "face_parser",
                    optional=True,
                    tooltip="Finds the outline of the face in the photos; without it an ellipse is taken.",
                ),
            ],
            outputs=[
                References.Output(display_name="references", tooltip="Everybody so far, for the next person."),
                io.Image.Output(display_name="preview", tooltip="The photos with the faces that were taken."),
                io.Boolean.Output(display_name="face_found", tooltip="Whether a face was found and used."),
            ],
        )

    @classmethod
    def execute(
        cls,
        photo: Tensor | FaceSet,
        vae: Any,
        name: str,
        size: int,
        on_no_face: OnNoFace,
        references: ReferenceChain | None = None,
        mask: Tensor | None = None,
        face_parser: LoadedFaceParser | None = None,
    ) -> io.NodeOutput:
        people, faces = add_reference(
            photo, vae, references, name=name, size=size, mask=mask, face_parser=face_parser, on_no_face=on_no_face
        )
        return person_results(people, faces, cls)


NODES: list[type[io.ComfyNode]] = [AddOmniPortraitReference]
