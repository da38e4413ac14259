"""Add Person: a photo becomes a person."""

from __future__ import annotations

from typing import get_args

from comfy_api.latest import io
from torch import Tensor

from ...host.encoders.detector import CHOICES, DetectorChoice
from ...host.people import ADDS_PERSON, FaceChoice, WithoutFace, make_person
from ...models.face.analysis import Order
from ...models.face.preview import preview_tensor
from ...models.face.types import FaceSet
from ...models.people.person import People as Chain
from ...models.people.person import PersonSettings
from ...models.people.preview import chain_lines, people_records, weight_marks
from ...models.people.weighing import WEIGHINGS, Weighing
from ...models.port.encoders import FaceDetector as Detector
from ...models.records.legend import rgb_of
from ..schema import (
    ADVANCED,
    DETECTOR,
    REGION,
    SHOWS,
    Faces,
    People,
    end_percent,
    faces_shown,
    found_by,
    given_detector,
    shelf,
    start_percent,
)
from .inputs import people_before, person_mask, person_name, person_strength

ORDERS = [order for order in get_args(Order) if order != "nearest to point"]


class AddPerson(io.ComfyNode):
    """Adds one person to a chain."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id=ADDS_PERSON,
            display_name="Add Person",
            category=shelf("People"),
            description="Adds one person from one or more photos and shows whose face was taken; chain several for several "
            "people in one picture. Every method takes them.",
            **SHOWS,
            **found_by(
                "person",
                "people",
                "same face",
                "face id",
                "faceid",
                "ip adapter",
                "ipadapter",
                "identity",
                "character",
                "consistent character",
                "reference photo",
                "portrait",
                "likeness",
            ),
            inputs=[
                io.MultiType.Input(
                    "photo",
                    [io.Image, Faces],
                    tooltip="One or more photos of one person, as a batch, or faces from Detect Faces. Several are used "
                    "together. One sharp face from the front is best.",
                ),
                person_name("Empty: person 1, person 2, …"),
                person_strength(),
                io.Int.Input(
                    "face",
                    default=1,
                    min=1,
                    max=64,
                    tooltip="Which face of the photo is this person's: its number in the preview.",
                ),
                io.Combo.Input(
                    "order",
                    options=ORDERS,
                    default="largest first",
                    tooltip="How the faces of each photo are numbered.",
                    **ADVANCED,
                ),
                io.Combo.Input("detector", options=list(CHOICES), default="auto", tooltip=DETECTOR, **ADVANCED),
                io.String.Input("region", default="", tooltip=REGION, **ADVANCED),
                start_percent(),
                end_percent(),
                io.Combo.Input(
                    "on_no_face",
                    options=list(get_args(WithoutFace)),
                    default="error",
                    tooltip="If a photo shows no face: stop with an error; skip that photo (an error only if no face is left "
                    "at all); keep the person without a face, which ConsistentID can use; or leave the person out, keeping "
                    "their number.",
                    **ADVANCED,
                ),
                people_before(),
                person_mask(),
                given_detector(),
                io.Combo.Input(
                    "photos",
                    options=list(WEIGHINGS),
                    default="all equally",
                    optional=True,
                    tooltip="How several photos count: all equally; by likeness, so that blurred and small faces and whoever is "
                    "unlike the others (red in the preview) count less; or likewise with those outliers left out. The last two "
                    "need a face recogniser, from three photos on.",
                    **ADVANCED,
                ),
            ],
            outputs=[
                People.Output(display_name="people", tooltip="Everybody so far, for the next person or a method."),
                io.Image.Output(
                    display_name="preview",
                    tooltip="The photos with every face numbered, the taken ones green, outliers red.",
                ),
                io.Boolean.Output(display_name="face_found", tooltip="Whether a face was found."),
            ],
        )

    @classmethod
    def execute(
        cls,
        photo: Tensor | FaceSet,
        name: str,
        strength: float,
        face: int,
        order: Order,
        detector: DetectorChoice,
        region: str,
        start_percent: float,
        end_percent: float,
        on_no_face: WithoutFace,
        people: Chain | None = None,
        mask: Tensor | None = None,
        face_detector: Detector | None = None,
        photos: Weighing = "all equally",
    ) -> io.NodeOutput:
        person, faces = make_person(
            photo,
            FaceChoice(detector=detector, order=order, number=face, region=region, given=face_detector),
            name=name,
            mask=mask,
            settings=PersonSettings(strength=strength, start_percent=start_percent, end_percent=end_percent),
            on_no_face=on_no_face,
            weighing=photos,
        )
        marks = () if photos == "all equally" else weight_marks(person.photos)
        preview = preview_tensor(faces, marks)
        chain = (people or Chain()).add(person)
        shown = faces_shown(faces, preview, cls, marks, rgb_of(len(chain) - 1))
        return io.NodeOutput(
            chain, preview, faces.found, ui={**shown, "likeness_people": people_records(chain_lines(chain))}
        )


NODES: list[type[io.ComfyNode]] = [AddPerson]
