"""Place People: who is where, for every method and for guidance."""

from __future__ import annotations

from typing import get_args

from comfy_api.latest import io

from ...host.placement import LoadedPlacement
from ...host.uniportrait.adapter import LoadedUniPortrait, UniPortraitRouter
from ...models.placement.rule import By
from ...models.uniportrait.application import AUTO
from ..schema import ADVANCED, Placement, UniPortrait, found_by, shelf


class PlacePeople(io.ComfyNode):
    """Says what decides where people are."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessPlacePeople",
            display_name="Place People",
            category=shelf("Placement"),
            description="Says what decides where people are: their masks, UniPortrait's router, or both. For the placement "
            "input of every Apply node.",
            **found_by("placement", "region", "regional", "masks", "router", "where", "attention mask", "layout"),
            inputs=[
                io.Combo.Input(
                    "by",
                    options=list(get_args(By)),
                    default="router where no mask is",
                    tooltip="router: UniPortrait's router finds the place of everybody, masks are passed over. masks: everybody "
                    "stays inside the mask of Add Person; one person may go without and gets the rest. router where no "
                    "mask is: masks where there are some, the router for the others.",
                ),
                io.Float.Input(
                    "structure_scale",
                    default=AUTO,
                    min=-1.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How much of each photo's facial structure the router compares; -1 takes 0.3 for several people.",
                    **ADVANCED,
                ),
                UniPortrait.Input(
                    "uniportrait",
                    optional=True,
                    tooltip="From Load UniPortrait, with its router file; needed where the router is to decide. The method "
                    "that brings the faces may be another one.",
                ),
            ],
            outputs=[Placement.Output(display_name="placement", tooltip="For the placement input of an Apply node.")],
        )

    @classmethod
    def execute(cls, by: By, structure_scale: float, uniportrait: LoadedUniPortrait | None = None) -> io.NodeOutput:
        router = None if uniportrait is None else UniPortraitRouter(uniportrait, structure_scale)
        return io.NodeOutput(LoadedPlacement(by, router))


NODES: list[type[io.ComfyNode]] = [PlacePeople]
