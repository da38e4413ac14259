"""Match People: masks of a segmentation, in the order of the people."""

from __future__ import annotations

from typing import get_args

from comfy_api.latest import io, ui
from torch import Tensor

from ...models.face.types import FaceSet
from ...models.people.person import People as Chain
from ...models.placement.matching import Extra, match_people
from ...models.records.matched_people import matched_sheet
from ..schema import ADVANCED, SHOWS, Faces, People, found_by, shelf


class MatchPeople(io.ComfyNode):
    """Gives people the masks of a picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessMatchPeople",
            display_name="Match People",
            category=shelf("Placement"),
            description="Brings masks of people, as any segmentation gives them, into the order of the chain: from left to right, those "
            "with a face first.",
            **SHOWS,
            **found_by("sort masks", "match masks", "instance segmentation", "people masks", "who is who"),
            inputs=[
                io.Mask.Input(
                    "masks",
                    tooltip="One mask per human figure of one picture, in any order (SAM3, RT-DETR, a painted batch).",
                ),
                People.Input("people", tooltip="The people, from Add Person."),
                io.String.Input(
                    "order",
                    default="",
                    tooltip="Whose mask is which, by the numbers of the preview: '2 1' gives the second to the first person. Empty: from "
                    "left to right.",
                ),
                io.Combo.Input(
                    "extra_people",
                    options=list(get_args(Extra)),
                    default="error",
                    tooltip="More people than masks: an error, or the last of them are nowhere.",
                    **ADVANCED,
                ),
                Faces.Input(
                    "faces",
                    optional=True,
                    tooltip="From Detect Faces of that picture: masks without a face are taken last.",
                ),
            ],
            outputs=[
                io.Mask.Output(display_name="masks", tooltip="One per person, for Place People by masks."),
                io.Image.Output(display_name="preview", tooltip="Whose each mask is."),
            ],
        )

    @classmethod
    def execute(
        cls, masks: Tensor, people: Chain, order: str, extra_people: Extra, faces: FaceSet | None = None
    ) -> io.NodeOutput:
        seen = () if faces is None else faces.of_image(0)
        found = match_people(masks, len(people), seen, order=order, extra=extra_people)
        picture = None if faces is None else faces.images[0]
        preview = matched_sheet(found, [person.name for person in people], picture)
        return io.NodeOutput(found.masks, preview, ui=ui.PreviewImage(preview, cls=cls))


NODES: list[type[io.ComfyNode]] = [MatchPeople]
