"""UniPortrait: load the adapter and apply people to a MODEL."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ...host.files import list_files, resolve
from ...host.uniportrait.adapter import ImagePromptInput, LoadedUniPortrait, apply, load_uniportrait, place
from ...models.uniportrait.identity import Identities
from ..sockets import CATEGORY, Placement, UniPortrait, UniPortraitIdentities

NONE = "none"


class LoadUniPortrait(io.ComfyNode):
    """Reads adapter, router and face backbone together."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        files, image_prompts = list_files("uniportrait"), list_files("ipadapter")
        return io.Schema(
            node_id="LikenessLoadUniPortrait",
            display_name="Load UniPortrait",
            category=CATEGORY,
            description="Loads the UniPortrait adapter. The published files are for SD1.5 only.",
            inputs=[
                io.Combo.Input(
                    "faceid",
                    options=files,
                    tooltip="The faceid file in models/uniportrait (published: uniportrait-faceid_sd15.bin, Apache-2.0, "
                    "SD1.5 only).",
                ),
                io.Combo.Input(
                    "router",
                    options=[NONE, *files],
                    default=NONE,
                    tooltip="The router file (published: uniportrait-router_sd15.bin); needed for two or more people.",
                ),
                io.Combo.Input(
                    "backbone",
                    options=files,
                    tooltip="The face recognition backbone (published: glint360k_curricular_face_r101_backbone.bin).",
                ),
                io.Combo.Input(
                    "image_prompt",
                    options=[NONE, *image_prompts],
                    default=NONE,
                    tooltip="An IP-Adapter file in models/ipadapter (ip-adapter_sd15), only for the image prompt.",
                ),
            ],
            outputs=[UniPortrait.Output(display_name="uniportrait", tooltip="The adapter.")],
        )

    @classmethod
    def execute(cls, faceid: str, router: str, backbone: str, image_prompt: str) -> io.NodeOutput:
        return io.NodeOutput(
            load_uniportrait(
                resolve("uniportrait", faceid),
                resolve("uniportrait", backbone),
                None if router == NONE else resolve("uniportrait", router),
                None if image_prompt == NONE else resolve("ipadapter", image_prompt),
            )
        )


class ApplyUniPortrait(io.ComfyNode):
    """Puts the people into a MODEL."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessApplyUniPortrait",
            display_name="Apply UniPortrait",
            category=CATEGORY,
            description="Puts the people into the model: each keeps the own face, placed by the router or by masks.",
            inputs=[
                io.Model.Input("model", tooltip="An SD1.5 checkpoint for the published UniPortrait."),
                UniPortrait.Input("uniportrait", tooltip="The adapter, from Load UniPortrait."),
                UniPortraitIdentities.Input("identities", tooltip="The people, from Add UniPortrait Identity."),
                io.Float.Input(
                    "structure_scale",
                    default=0.1,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How much of the photo's facial structure is kept, for everybody alike: 0.1 suits one person, "
                    "0.3 several. Higher values copy pose and expression too.",
                ),
                io.Float.Input(
                    "lora_strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="Strength of the adapter's LoRA; on for the whole run.",
                ),
                io.Float.Input(
                    "image_prompt_strength",
                    default=0.7,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="Strength of the image prompt, if one is connected.",
                ),
                io.ClipVisionOutput.Input(
                    "image_prompt",
                    optional=True,
                    tooltip="A picture to follow in content and style, from CLIP Vision Encode with the same image "
                    "encoder; needs an image_prompt file in Load UniPortrait.",
                ),
                io.Mask.Input("image_prompt_mask", optional=True, tooltip="Where the image prompt acts."),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model with the people, for the sampler."),
                io.Boolean.Output(
                    display_name="applied", tooltip="False if nobody is active and the model was passed through."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        uniportrait: LoadedUniPortrait,
        identities: Identities,
        structure_scale: float,
        lora_strength: float,
        image_prompt_strength: float,
        image_prompt: Any = None,
        image_prompt_mask: Tensor | None = None,
    ) -> io.NodeOutput:
        prompt = None
        if image_prompt is not None:
            embedding = image_prompt["image_embeds"]
            prompt = ImagePromptInput(embedding=embedding, strength=image_prompt_strength, mask=image_prompt_mask)
        return io.NodeOutput(
            *apply(
                model,
                uniportrait,
                identities,
                structure_scale=structure_scale,
                lora_strength=lora_strength,
                image_prompt=prompt,
            )
        )


class UniPortraitPlacement(io.ComfyNode):
    """Lends UniPortrait's router to another method."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessUniPortraitPlacement",
            display_name="UniPortrait Placement",
            category=CATEGORY,
            description="Lets UniPortrait's router decide who is where, while another method brings the faces.",
            inputs=[
                UniPortrait.Input("uniportrait", tooltip="The adapter with its router file, from Load UniPortrait."),
                UniPortraitIdentities.Input(
                    "identities",
                    tooltip="The same people in the same order as in the other method's chain; those with a mask stay "
                    "inside it.",
                ),
                io.Float.Input(
                    "structure_scale",
                    default=0.3,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How much of each photo's facial structure the router compares; 0.3 suits several people.",
                ),
            ],
            outputs=[Placement.Output(display_name="placement", tooltip="Who is where, for Apply ConsistentID.")],
        )

    @classmethod
    def execute(cls, uniportrait: LoadedUniPortrait, identities: Identities, structure_scale: float) -> io.NodeOutput:
        return io.NodeOutput(place(uniportrait, identities, structure_scale=structure_scale))


NODES: list[type[io.ComfyNode]] = [LoadUniPortrait, ApplyUniPortrait, UniPortraitPlacement]
