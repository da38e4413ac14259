"""Apply IP-Adapter: puts people, pictures or both into a MODEL."""

from __future__ import annotations

from typing import Any, get_args

from comfy_api.latest import io
from torch import Tensor

from ...host.ip_adapter.adapter import LoadedIPAdapter
from ...host.ip_adapter.application import MOST_STRENGTH, Pictures, apply
from ...host.picture_embeddings import embeddings_in
from ...host.placement import LoadedPlacement
from ...models.images.layout import arrays_from_images
from ...models.ip_adapter.application import STRENGTH
from ...models.ip_adapter.block_weights import PRESETS, Preset, read_numbers
from ...models.ip_adapter.combination import COMBINATIONS, SCALINGS, Combination, Scaling
from ...models.ip_adapter.encode import Looking
from ...models.ip_adapter.pictures import Crop, Negative
from ...models.people.person import People as Chain
from ..schema import (
    ADVANCED,
    HIDDEN,
    SHOWS,
    IPAdapter,
    People,
    Placement,
    applied_output,
    applied_outputs,
    end_percent,
    face_structure,
    found_by,
    lora_strength,
    model_input,
    shelf,
    start_percent,
)


class ApplyIPAdapter(io.ComfyNode):
    """Puts people, pictures or both into a MODEL."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessApplyIPAdapter",
            display_name="Apply IP-Adapter",
            category=shelf("IP-Adapter"),
            description="Puts faces (FaceID), a picture to follow (plain, Plus), or both into the model; several people each keep "
            "their own face in their own place.",
            **SHOWS,
            **found_by("ip adapter", "ipadapter", "faceid", "face id", "people", "image prompt", "style transfer"),
            hidden=HIDDEN,
            inputs=[
                model_input("A checkpoint of the adapter's kind: SD1.5 or SDXL."),
                IPAdapter.Input("ip_adapter", tooltip="The adapter, from Load IP-Adapter."),
                io.Float.Input(
                    "strength",
                    default=STRENGTH,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="How strongly faces act, times the strength of each person; 0.5 to 0.8 leaves the prompt more room.",
                ),
                io.Float.Input(
                    "picture_strength",
                    default=STRENGTH,
                    min=0.0,
                    max=MOST_STRENGTH,
                    step=0.01,
                    tooltip="How strongly the picture is followed, if one is connected; 0.5 leaves the prompt more room.",
                ),
                io.Combo.Input(
                    "blocks",
                    options=list(PRESETS),
                    default="linear",
                    tooltip="In which blocks of the UNet it acts: linear in all alike, style transfer and composition in those "
                    "that decide about it.",
                    **ADVANCED,
                ),
                io.String.Input(
                    "block_weights",
                    default="",
                    tooltip="Numbers instead of 'blocks', in the order in which the UNet runs: 16 for SD1.5, 11 or 70 for SDXL.",
                    **ADVANCED,
                ),
                face_structure(),
                lora_strength(),
                io.Combo.Input(
                    "negative",
                    options=list(get_args(Negative)),
                    default="reference",
                    tooltip="What the negative side sees. reference: nothing, as published. black: a black picture, as in "
                    "ComfyUI_IPAdapter_plus. picture: negative_picture, what is not wanted.",
                    **ADVANCED,
                ),
                io.Combo.Input(
                    "crop",
                    options=list(get_args(Crop)),
                    default="centre",
                    tooltip="How a picture that is not square becomes so: centre sees the middle alone, pad and stretch all of it.",
                    **ADVANCED,
                ),
                io.Combo.Input(
                    "combine",
                    options=list(COMBINATIONS),
                    default="concat",
                    tooltip="How several pictures act together: concat shows all of them, the others make one of them.",
                    **ADVANCED,
                ),
                io.Combo.Input(
                    "embeds_scaling",
                    options=list(SCALINGS),
                    default="V only",
                    tooltip="What picture_strength scales; V only is the published way.",
                    **ADVANCED,
                ),
                start_percent(tooltip="Where in the sampling the picture starts to act; people have their own."),
                end_percent(tooltip="Where in the sampling the picture stops acting."),
                People.Input("people", optional=True, tooltip="The people, from Add Person."),
                io.Image.Input(
                    "picture",
                    optional=True,
                    tooltip="One picture or several to follow in content and style; not for the FaceID kinds.",
                ),
                io.Mask.Input("picture_mask", optional=True, tooltip="Where the picture acts."),
                io.Image.Input("negative_picture", optional=True, tooltip="For negative: picture."),
                Placement.Input("placement", optional=True, tooltip="From Place People. Without it masks are used."),
                io.ClipVisionOutput.Input(
                    "picture_embedding",
                    optional=True,
                    tooltip="Instead of picture, for the plain kind: from Predict Image Embedding or CLIP Vision Encode.",
                ),
            ],
            outputs=applied_outputs("The model with the people and the picture, for the sampler."),
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        ip_adapter: LoadedIPAdapter,
        strength: float,
        picture_strength: float,
        blocks: Preset,
        block_weights: str,
        structure_scale: float,
        lora_strength: float,
        negative: Negative,
        crop: Crop,
        combine: Combination,
        embeds_scaling: Scaling,
        start_percent: float,
        end_percent: float,
        people: Chain | None = None,
        picture: Tensor | None = None,
        picture_mask: Tensor | None = None,
        negative_picture: Tensor | None = None,
        placement: LoadedPlacement | None = None,
        picture_embedding: Any = None,
    ) -> io.NodeOutput:
        unwanted = None if negative_picture is None else arrays_from_images(negative_picture, "negative_picture")[0]
        pictures = None
        if picture is not None or picture_embedding is not None:
            pictures = Pictures(
                pictures=picture,
                embeddings=None if picture_embedding is None else embeddings_in(picture_embedding),
                strength=picture_strength,
                mask=picture_mask,
                start_percent=start_percent,
                end_percent=end_percent,
                combination=combine,
                scaling=embeds_scaling,
            )
        applied = apply(
            model,
            ip_adapter,
            people or Chain(),
            pictures=pictures,
            where=placement,
            strength=strength,
            lora_strength=lora_strength,
            blocks=read_numbers(block_weights) or blocks,
            looking=Looking(crop=crop, s_scale=structure_scale, negative=negative, unwanted=unwanted),
        )
        return applied_output(applied, cls, " ".join(ip_adapter.adapter.notes))


NODES: list[type[io.ComfyNode]] = [ApplyIPAdapter]
