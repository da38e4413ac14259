"""Show Routing Map: shows where each person was placed during a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal, get_args

from comfy_api.latest import io, ui
from torch import Tensor

from ...host.sampling.runs import find_placement_maps
from ...models.records.pages import page_routing
from ...models.records.routing_map import PIXELS_PER_CELL, draw, person_masks
from ...models.records.routing_sheet import draw_parts, draw_words
from ..schema import ADVANCED, shelf

View = Literal["whole run", "steps", "layers", "words"]


class ShowRoutingMap(io.ComfyNode):
    """Gives one mask per person and a coloured picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessShowRoutingMap",
            display_name="Show Routing Map",
            category=shelf("Placement"),
            description="Shows which part of the picture each person was given, averaged over layers and steps.",
            is_output_node=True,
            inputs=[
                io.Model.Input("model", tooltip="The model that was sampled, from an Apply node."),
                io.Latent.Input("latent", tooltip="What the sampler gave, unchanged."),
                io.Combo.Input(
                    "view",
                    options=list(get_args(View)),
                    default="whole run",
                    tooltip="What the picture shows. whole run: the mean over layers and steps; steps and layers: a sheet of small "
                    "pictures, one each; words: where the picture attended to everybody's words (by: words).",
                    **ADVANCED,
                ),
                io.Image.Input(
                    "image", optional=True, tooltip="The finished picture, from VAE Decode; the map is drawn over it."
                ),
            ],
            outputs=[
                io.Mask.Output(
                    display_name="masks", tooltip="One mask per person, in the order of the chain; picture by picture."
                ),
                io.Image.Output(
                    display_name="picture",
                    tooltip="For each picture who is strongest where, in one colour per person, pale where it was close; with "
                    "names and shares.",
                ),
                io.String.Output(
                    display_name="shares", tooltip="JSON: for each picture, name and share of all positions, 0–1."
                ),
                io.Float.Output(
                    display_name="equal_choices",
                    tooltip="Share of places that the router gave to the same person as at its choice before, 0–1; 1 where it chose "
                    "once or there is none.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, model: Any, latent: dict[str, Any], view: View = "whole run", image: Tensor | None = None
    ) -> io.NodeOutput:
        samples: Tensor = latent["samples"]
        maps = find_placement_maps(model, samples)
        size = (samples.shape[-2] * PIXELS_PER_CELL, samples.shape[-1] * PIXELS_PER_CELL)
        ways: dict[View, Callable[[], Tensor]] = {
            "whole run": lambda: draw(maps, size, image),
            "steps": lambda: draw_parts(maps, maps.steps, image),
            "layers": lambda: draw_parts(maps, maps.layers, image),
            "words": lambda: draw_words(maps, image),
        }
        picture = ways[view]()
        shares = [{name: round(share, 3) for name, share in each.items()} for each in maps.shares]
        shown = {**ui.PreviewImage(picture, cls=cls).as_dict(), "likeness_routing": page_routing(maps)}
        if image is not None:
            shown["likeness_pictures"] = ui.PreviewImage(image, cls=cls).as_dict()["images"]
        return io.NodeOutput(
            person_masks(maps, size),
            picture,
            json.dumps(shares),
            1.0 if maps.equal_choices is None else maps.equal_choices,
            ui=shown,
        )


NODES: list[type[io.ComfyNode]] = [ShowRoutingMap]
