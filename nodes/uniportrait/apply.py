"""Apply UniPortrait: puts people into a MODEL."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ...host.placement import LoadedPlacement
from ...host.uniportrait.adapter import LoadedUniPortrait
from ...host.uniportrait.application import ImagePromptInput, apply
from ...models.people.person import People as Chain
from ...models.uniportrait.application import AUTO, STRENGTH
from ..schema import (
    ADVANCED,
    HIDDEN,
    SHOWS,
    People,
    Placement,
    UniPortrait,
    applied_output,
    applied_outputs,
    found_by,
    lora_strength,
    model_input,
    shelf,
)


class ApplyUniPortrait(io.ComfyNode):
    """Puts the people into a MODEL."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessApplyUniPortrait",
            display_name="Apply UniPortrait",
            category=shelf("UniPortrait"),
            description="Puts the people into the model: each keeps their own face, placed by masks or by the router.",
            **SHOWS,
            **found_by("uniportrait", "people", "same face", "faceid", "ip adapter", "several people", "multi id"),
            hidden=HIDDEN,
            inputs=[
                model_input("An SD1.5 checkpoint for the published UniPortrait."),
                UniPortrait.Input("uniportrait", tooltip="The adapter, from Load UniPortrait."),
                People.Input("people", tooltip="The people, from Add Person."),
                io.Float.Input(
                    "strength",
                    default=STRENGTH,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="How strongly faces act; 0.5–0.7 suits one person, 0.3–0.7 several. Times the strength of each "
                    "person.",
                ),
                io.Float.Input(
                    "structure_scale",
                    default=AUTO,
                    min=-1.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How much of the photo's facial structure is kept, for everybody alike: -1 takes 0.1 for one person "
                    "and 0.3 for several. Higher values copy pose and expression too.",
                ),
                lora_strength(),
                io.Float.Input(
                    "image_prompt_strength",
                    default=0.7,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="Strength of the image prompt, if one is connected.",
                    **ADVANCED,
                ),
                Placement.Input(
                    "placement",
                    optional=True,
                    tooltip="From Place People. Without it masks are used, and the router where no mask is.",
                ),
                io.ClipVisionOutput.Input(
                    "image_prompt",
                    optional=True,
                    tooltip="A picture to follow in content and style, from CLIP Vision Encode with the same image "
                    "encoder; needs an image_prompt file in Load UniPortrait.",
                ),
                io.Mask.Input("image_prompt_mask", optional=True, tooltip="Where the image prompt acts."),
            ],
            outputs=applied_outputs("The model with the people, for the sampler."),
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        uniportrait: LoadedUniPortrait,
        people: Chain,
        strength: float,
        structure_scale: float,
        lora_strength: float,
        image_prompt_strength: float,
        placement: LoadedPlacement | None = None,
        image_prompt: Any = None,
        image_prompt_mask: Tensor | None = None,
    ) -> io.NodeOutput:
        prompt = None
        if image_prompt is not None:
            prompt = ImagePromptInput(
                embedding=image_prompt["image_embeds"],
                tokens=image_prompt["penultimate_hidden_states"],
                strength=image_prompt_strength,
                mask=image_prompt_mask,
            )
        applied = apply(
            model,
            uniportrait,
            people,
            where=placement,
            strength=strength,
            structure_scale=structure_scale,
            lora_strength=lora_strength,
            image_prompt=prompt,
        )
        return applied_output(applied, cls)


NODES: list[type[io.ComfyNode]] = [ApplyUniPortrait]
