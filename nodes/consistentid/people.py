"""ConsistentID's people: a chain of identities."""

from __future__ import annotations

from typing import Any, get_args

from comfy_api.latest import io
from torch import Tensor

from ...host.consistentid.adapter import LoadedConsistentID
from ...host.consistentid.people import OnNoID, add_person
from ...models.consistentid.identity import FacialRegions as Regions
from ...models.consistentid.identity import Identities
from ...models.face.types import FaceSet
from ..inputs import person_results
from ..sockets import CATEGORY, ConsistentIDIdentities, FacialRegions
from .regions import photo_inputs


class AddConsistentIDIdentity(io.ComfyNode):
    """Adds one person to a chain."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessAddConsistentIDIdentity",
            display_name="Add ConsistentID Identity",
            category=CATEGORY,
            description="Adds one person: ID tokens of the photo, with or without facial regions.",
            inputs=[
                *photo_inputs(),
                io.String.Input("name", default="", tooltip="What maps and messages call this person; may stay empty."),
                io.String.Input(
                    "caption",
                    default="",
                    multiline=True,
                    tooltip="What is said about the face, for example a captioner's text; the words face, eyes, ears, nose and "
                    "mouth in it take the regions. Empty: the published sentence, with the regions that were found.",
                ),
                _number(
                    "strength",
                    1.0,
                    2.0,
                    "How strongly the ID tokens act; 1 is the published behaviour. 0 leaves the "
                    "facial regions alone to act.",
                ),
                _number("start_percent", 0.0, 1.0, "Where in the sampling the ID tokens start to act."),
                _number(
                    "end_percent", 1.0, 1.0, "Where the ID tokens stop acting. The LoRA stays on for the whole run."
                ),
                io.Combo.Input(
                    "on_no_face",
                    options=list(get_args(OnNoID)),
                    default="error",
                    tooltip="What to do if no face is found: stop with an error; go on with an ID vector of zeros, as the "
                    "published code does; or leave this person out.",
                ),
                FacialRegions.Input(
                    "regions",
                    optional=True,
                    tooltip="Parts of the face for the prompt, from Encode Facial Regions; may be other people's.",
                ),
                ConsistentIDIdentities.Input(
                    "identities",
                    optional=True,
                    tooltip="The people before this one, from another Add ConsistentID Identity (corrected mode).",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where this person may be; needed for several people without a placement.",
                ),
            ],
            outputs=[
                ConsistentIDIdentities.Output(
                    display_name="identities", tooltip="Everybody so far, for the next person."
                ),
                io.Image.Output(display_name="preview", tooltip="The photos with the faces that were taken."),
                io.Boolean.Output(display_name="face_found", tooltip="Whether a face was found and used."),
            ],
        )

    @classmethod
    def execute(
        cls,
        consistentid: LoadedConsistentID,
        clip_vision: Any,
        photo: Tensor | FaceSet,
        name: str,
        caption: str,
        strength: float,
        start_percent: float,
        end_percent: float,
        on_no_face: OnNoID,
        regions: Regions | None = None,
        identities: Identities | None = None,
        mask: Tensor | None = None,
    ) -> io.NodeOutput:
        people, faces = add_person(
            consistentid,
            clip_vision,
            photo,
            identities,
            regions=regions,
            name=name,
            caption=caption,
            strength=strength,
            start_percent=start_percent,
            end_percent=end_percent,
            mask=mask,
            on_no_face=on_no_face,
        )
        return person_results(people, faces, cls)


def _number(name: str, default: float, highest: float, tooltip: str) -> io.Input:
    step = 0.001 if name.endswith("percent") else 0.01
    return io.Float.Input(name, default=default, min=0.0, max=highest, step=step, tooltip=tooltip)


NODES: list[type[io.ComfyNode]] = [AddConsistentIDIdentity]
