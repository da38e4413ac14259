"""Place People: who is where, for every method and for guidance."""

from __future__ import annotations

from functools import partial
from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ...host.encoders.detector import DetectorChoice, choose_detector
from ...host.encoders.recogniser import choose_recogniser
from ...host.placement import FaceFinding, LoadedPlacement
from ...host.uniportrait.adapter import LoadedUniPortrait, UniPortraitRouter
from ...models.people.person import People as Chain
from ...models.placement.found import Otherwise
from ...models.placement.given import MaskSources, Order, masks_of_people
from ...models.placement.rule import By
from ...models.port.encoders import FaceDetector as Detector
from ..schema import (
    Placement,
    found_by,
    shelf,
)
from .place_inputs import sockets, widgets


class PlacePeople(io.ComfyNode):
    """Says what decides where people are."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessPlacePeople",
            display_name="Place People",
            category=shelf("Placement"),
            description="Says what decides where people are: words of the prompt, faces in the preview, masks and boxes, or "
            "UniPortrait's router. For the placement input of every Apply node.",
            **found_by(
                "placement", "region", "regional", "masks", "router", "where", "attention mask", "layout", "two people"
            ),
            inputs=[*widgets(), *sockets()],
            outputs=[Placement.Output(display_name="placement", tooltip="For the placement input of an Apply node.")],
        )

    @classmethod
    def execute(
        cls,
        by: By,
        masks_first: bool,
        order: Order,
        not_found: Otherwise,
        soft: bool,
        look_every: int,
        detector: DetectorChoice,
        recogniser: str,
        structure_scale: float,
        width: int,
        height: int,
        route_every: int = 1,
        people: Chain | None = None,
        vae: Any = None,
        uniportrait: LoadedUniPortrait | None = None,
        masks: Tensor | None = None,
        boxes: object = None,
        landmarks: object = None,
        image: Tensor | None = None,
        face_detector: Detector | None = None,
    ) -> io.NodeOutput:
        given = MaskSources(masks=masks, boxes=boxes, landmarks=landmarks, width=width, height=height, image=image)
        faces = None
        if vae is not None:
            faces = FaceFinding(
                vae=vae,
                detector=partial(choose_detector, detector, given=face_detector, remembers=False),
                recogniser=partial(choose_recogniser, recogniser, detector),
                order="most alike" if order == "most alike" else "left to right",
                every=look_every,
            )
        placement = LoadedPlacement(
            by,
            router=None if uniportrait is None else UniPortraitRouter(uniportrait, structure_scale, route_every),
            masks_first=masks_first,
            masks=masks_of_people(given, None if people is None else len(people), order),
            faces=faces,
            is_soft=soft,
            otherwise=not_found,
        )
        return io.NodeOutput(placement)


NODES: list[type[io.ComfyNode]] = [PlacePeople]
