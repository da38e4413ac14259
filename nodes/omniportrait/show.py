"""Show Guidance: what Reference-Based Guidance did in a run."""

from __future__ import annotations

import json
from typing import Any

from comfy_api.latest import io, ui

from ...host.sampling.runs import find_guidance_history
from ...models.records.pages import page_curves
from ...models.records.similarity_curves import draw_curves, mask_images
from ..schema import found_by, shelf


class ShowGuidance(io.ComfyNode):
    """Gives curves, masks and numbers of a guided run."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessShowGuidance",
            display_name="Show Guidance",
            category=shelf("OmniPortrait"),
            description="Shows how alike the faces became at every step, and where people were taken to be.",
            **found_by("guidance plot", "similarity curve", "where are people"),
            is_output_node=True,
            inputs=[
                io.Model.Input("model", tooltip="The model that was sampled, from Apply Reference-Based Guidance."),
                io.Latent.Input("latent", tooltip="What the sampler gave, unchanged."),
            ],
            outputs=[
                io.Image.Output(
                    display_name="plot", tooltip="Similarity over the guided steps, a curve for each person."
                ),
                io.Mask.Output(
                    display_name="masks",
                    tooltip="Where each person was at the last guided step, in the order of the chain; picture by picture.",
                ),
                io.String.Output(
                    display_name="numbers",
                    tooltip="JSON: noise level and similarity of every person and step, how far the picture was moved, and "
                    "how many steps were skipped.",
                ),
            ],
        )

    @classmethod
    def execute(cls, model: Any, latent: dict[str, Any]) -> io.NodeOutput:
        history = find_guidance_history(model, latent["samples"])
        plot = draw_curves(history)
        shown = {**ui.PreviewImage(plot, cls=cls).as_dict(), "likeness_guidance": [page_curves(history)]}
        return io.NodeOutput(plot, mask_images(history), json.dumps(history.numbers()), ui=shown)


NODES: list[type[io.ComfyNode]] = [ShowGuidance]
