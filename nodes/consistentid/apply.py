"""Apply ConsistentID: puts people into a MODEL."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...host.consistentid.adapter import LoadedConsistentID
from ...host.consistentid.application import apply
from ...host.placement import LoadedPlacement
from ...models.consistentid.application import STRENGTH
from ...models.people.person import People as Chain
from ..schema import (
    HIDDEN,
    SHOWS,
    ConsistentID,
    People,
    Placement,
    applied_output,
    applied_outputs,
    found_by,
    lora_strength,
    model_input,
    shelf,
)


class ApplyConsistentID(io.ComfyNode):
    """Puts the people into a MODEL."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessApplyConsistentID",
            display_name="Apply ConsistentID",
            category=shelf("ConsistentID"),
            description="Puts the people's ID tokens and the adapter's LoRA into the model. Their facial regions go into the "
            "prompt, by Encode ConsistentID Prompt.",
            **SHOWS,
            **found_by("consistentid", "consistent id", "people", "same face", "face id", "ip adapter"),
            hidden=HIDDEN,
            inputs=[
                model_input("A checkpoint of the adapter's architecture: SD1.5 or SDXL."),
                ConsistentID.Input("consistentid", tooltip="The adapter, from Load ConsistentID."),
                People.Input(
                    "people", tooltip="The people, from Add Person; the same as in Encode ConsistentID Prompt."
                ),
                io.Float.Input(
                    "strength",
                    default=STRENGTH,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="How strongly the ID tokens act; 1 is the published behaviour, 0 leaves the facial regions alone to "
                    "act. Times the strength of each person.",
                ),
                lora_strength(),
                Placement.Input(
                    "placement",
                    optional=True,
                    tooltip="From Place People. Without it masks are used; several people without masks need it.",
                ),
            ],
            outputs=applied_outputs("The model with the people, for the sampler."),
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        consistentid: LoadedConsistentID,
        people: Chain,
        strength: float,
        lora_strength: float,
        placement: LoadedPlacement | None = None,
    ) -> io.NodeOutput:
        applied = apply(model, consistentid, people, where=placement, strength=strength, lora_strength=lora_strength)
        return applied_output(applied, cls)


NODES: list[type[io.ComfyNode]] = [ApplyConsistentID]
