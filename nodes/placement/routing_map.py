"""Show Routing Map: shows where each person was placed during a run."""

from __future__ import annotations

import json
from typing import Any

from comfy_api.latest import io, ui

from ...host.sampling.runs import find_placement_maps
from ...models.records.routing_map import draw, person_masks
from ..sockets import shelf


class ShowRoutingMap(io.ComfyNode):
    """Gives one mask per person and a coloured picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessShowRoutingMap",
            display_name="Show Routing Map",
            category=shelf("Placement"),
            description="Shows which part of the picture each person was given, averaged over layers and steps.",
            inputs=[
                io.Model.Input("model", tooltip="The model that was sampled, from Apply UniPortrait."),
                io.Latent.Input("latent", tooltip="What the sampler gave, unchanged."),
            ],
            outputs=[
                io.Mask.Output(
                    display_name="masks", tooltip="One mask per person, in the order of the chain; picture by picture."
                ),
                io.Image.Output(display_name="picture", tooltip="One colour per person, with names and shares."),
                io.String.Output(display_name="shares", tooltip="JSON: name and share of all positions, 0–1."),
            ],
        )

    @classmethod
    def execute(cls, model: Any, latent: dict[str, Any]) -> io.NodeOutput:
        maps = find_placement_maps(model, latent["samples"])
        picture = draw(maps)
        return io.NodeOutput(person_masks(maps), picture, json.dumps(maps.shares), ui=ui.PreviewImage(picture, cls=cls))


NODES: list[type[io.ComfyNode]] = [ShowRoutingMap]
