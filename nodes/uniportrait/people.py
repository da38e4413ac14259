"""UniPortrait's people: add, mix and pick identities of a chain."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ...host.encoders.faces import faces_from
from ...host.uniportrait.adapter import LoadedUniPortrait
from ...host.uniportrait.people import add_person, mix_into_last
from ...models.face.types import FaceSet, OnNoFace
from ...models.uniportrait.identity import Identities
from ..inputs import on_no_face_input, person_results
from ..sockets import CATEGORY, Faces, UniPortrait, UniPortraitIdentities


def _photo_inputs() -> list[io.Input]:
    return [
        UniPortrait.Input("uniportrait", tooltip="The adapter, from Load UniPortrait."),
        io.ClipVision.Input(
            "clip_vision", tooltip="The image encoder of the adapter: OpenCLIP ViT-H/14 for the published UniPortrait."
        ),
        io.MultiType.Input(
            "photo",
            [io.Image, Faces],
            tooltip="One or more photos of one person (the largest face of each is taken), or faces from Detect Faces. "
            "Several are used together as references of this person.",
        ),
    ]


def _person_outputs() -> list[io.Output]:
    return [
        UniPortraitIdentities.Output(display_name="identities", tooltip="Everybody so far, for the next person."),
        io.Image.Output(display_name="preview", tooltip="The photos with the faces that were taken."),
        io.Boolean.Output(display_name="face_found", tooltip="Whether a face was found and used."),
    ]


class AddUniPortraitIdentity(io.ComfyNode):
    """Adds one person to a chain."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessAddUniPortraitIdentity",
            display_name="Add UniPortrait Identity",
            category=CATEGORY,
            description="Adds one person; chain several for several people in one picture.",
            inputs=[
                *_photo_inputs(),
                io.String.Input("name", default="", tooltip="What maps and messages call this person; may stay empty."),
                io.Float.Input(
                    "strength",
                    default=0.7,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="How strongly the face acts; 0.5–0.7 suits one person, 0.3–0.7 several. 0 leaves the person out.",
                ),
                io.Float.Input(
                    "start_percent",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="Where in the sampling the face starts to act. Switches the face's attention only; the LoRA "
                    "stays on for the whole run.",
                ),
                io.Float.Input(
                    "end_percent",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="Where the face stops acting. Switches the face's attention only; the LoRA stays on for the "
                    "whole run.",
                ),
                on_no_face_input(),
                UniPortraitIdentities.Input(
                    "identities",
                    optional=True,
                    tooltip="The people before this one, from another Add UniPortrait Identity.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where this person may be. Without a mask the router finds the place.",
                ),
            ],
            outputs=_person_outputs(),
        )

    @classmethod
    def execute(
        cls,
        uniportrait: LoadedUniPortrait,
        clip_vision: Any,
        photo: Tensor | FaceSet,
        name: str,
        strength: float,
        start_percent: float,
        end_percent: float,
        on_no_face: OnNoFace,
        identities: Identities | None = None,
        mask: Tensor | None = None,
    ) -> io.NodeOutput:
        faces = faces_from(photo, on_no_face)
        people = add_person(
            uniportrait,
            clip_vision,
            faces,
            identities,
            name=name,
            strength=strength,
            start_percent=start_percent,
            end_percent=end_percent,
            mask=mask,
        )
        return person_results(people, faces, cls)


class MixUniPortraitIdentity(io.ComfyNode):
    """Mixes a face into the last person of a chain."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessMixUniPortraitIdentity",
            display_name="Mix UniPortrait Identity",
            category=CATEGORY,
            description="Mixes another face into the last person of the chain.",
            inputs=[
                *_photo_inputs(),
                UniPortraitIdentities.Input("identities", tooltip="The chain whose last person is changed."),
                io.Float.Input(
                    "weight",
                    default=0.3,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of the mixed face; the person keeps one minus the sum of all shares.",
                ),
                on_no_face_input(),
            ],
            outputs=_person_outputs(),
        )

    @classmethod
    def execute(
        cls,
        uniportrait: LoadedUniPortrait,
        clip_vision: Any,
        photo: Tensor | FaceSet,
        identities: Identities,
        weight: float,
        on_no_face: OnNoFace,
    ) -> io.NodeOutput:
        faces = faces_from(photo, on_no_face)
        people = mix_into_last(uniportrait, clip_vision, faces, identities, weight)
        return person_results(people, faces, cls)


class PickUniPortraitIdentity(io.ComfyNode):
    """Takes one person out of a chain."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessPickUniPortraitIdentity",
            display_name="Pick UniPortrait Identity",
            category=CATEGORY,
            description="Takes one person out of a chain, for example to repaint one face of a group.",
            inputs=[
                UniPortraitIdentities.Input("identities", tooltip="The chain."),
                io.Int.Input("index", default=0, min=0, max=63, tooltip="Place of the person, counted from 0."),
            ],
            outputs=[UniPortraitIdentities.Output(display_name="identities", tooltip="This person alone.")],
        )

    @classmethod
    def execute(cls, identities: Identities, index: int) -> io.NodeOutput:
        return io.NodeOutput(identities.pick(index))


NODES: list[type[io.ComfyNode]] = [AddUniPortraitIdentity, MixUniPortraitIdentity, PickUniPortraitIdentity]
