"""FaceStudio's weights: a file of its own, or two IP-Adapters in its place."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...host.facestudio.files import FOLDER, choose_facestudio
from ...host.facestudio.zero_shot import MOST_STRENGTH, ZeroShotFaceStudio
from ...host.files import AUTO, list_files
from ...host.ip_adapter.adapter import LoadedIPAdapter
from ...models.facestudio.zero_shot import FACE_STRENGTH, STYLE_STRENGTH
from ..schema import (
    ADVANCED,
    FaceStudio,
    IPAdapter,
    face_structure,
    found_by,
    given_image_encoder,
    image_encoder_file,
    lora_strength,
    recogniser_file,
    shelf,
)


class LoadFaceStudio(io.ComfyNode):
    """Reads a trained file and what it needs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadFaceStudio",
            display_name="Load FaceStudio",
            category=shelf("FaceStudio"),
            description="Loads a FaceStudio file that was trained with this pack (none is published), with the encoders that it names.",
            **found_by("face studio", "style and face", "hybrid guidance", "stylise"),
            inputs=[
                io.Combo.Input(
                    "facestudio",
                    options=[AUTO, *list_files(FOLDER)],
                    default=AUTO,
                    tooltip="The file in models/facestudio, for SD1.5 or SDXL. auto takes the first by name.",
                ),
                recogniser_file(),
                image_encoder_file(**ADVANCED),
                given_image_encoder(),
            ],
            outputs=[FaceStudio.Output(display_name="facestudio", tooltip="For Encode Style and Apply FaceStudio.")],
        )

    @classmethod
    def execute(cls, facestudio: str, recogniser: str, clip_vision_file: str, clip_vision: Any = None) -> io.NodeOutput:
        return io.NodeOutput(
            choose_facestudio(
                facestudio=facestudio,
                recogniser=recogniser,
                clip_vision_file=clip_vision_file,
                clip_vision=clip_vision,
            )
        )


class FaceStudioFromIPAdapters(io.ComfyNode):
    """Makes the method of two adapters."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessFaceStudioFromIPAdapters",
            display_name="FaceStudio from IP-Adapters",
            category=shelf("FaceStudio"),
            description="FaceStudio without a file of its own: a plain IP-Adapter follows the style, FaceID brings the people, and "
            "the prompts stay. With ip-adapter_sdxl or ip-adapter_sd15_vit-G a text can be mixed into the style.",
            **found_by("face studio", "zero-shot", "style and face", "hybrid guidance", "stylise"),
            inputs=[
                IPAdapter.Input("style_adapter", tooltip="A plain IP-Adapter from Load IP-Adapter."),
                io.Float.Input(
                    "style_strength",
                    default=STYLE_STRENGTH,
                    min=0.0,
                    max=MOST_STRENGTH,
                    step=0.01,
                    tooltip="How strongly the style is followed.",
                ),
                io.Float.Input(
                    "face_strength",
                    default=FACE_STRENGTH,
                    min=0.0,
                    max=MOST_STRENGTH,
                    step=0.01,
                    tooltip="How strongly faces act, times the strength of Apply FaceStudio and of each person.",
                ),
                face_structure(),
                lora_strength(),
                IPAdapter.Input(
                    "face_adapter",
                    optional=True,
                    tooltip="FaceID, FaceID Plus or PlusV2 from another Load IP-Adapter; not needed without people.",
                ),
            ],
            outputs=[FaceStudio.Output(display_name="facestudio", tooltip="For Encode Style and Apply FaceStudio.")],
        )

    @classmethod
    def execute(
        cls,
        style_adapter: LoadedIPAdapter,
        style_strength: float,
        face_strength: float,
        structure_scale: float,
        lora_strength: float,
        face_adapter: LoadedIPAdapter | None = None,
    ) -> io.NodeOutput:
        return io.NodeOutput(
            ZeroShotFaceStudio(
                style=style_adapter,
                face=face_adapter,
                style_strength=style_strength,
                face_strength=face_strength,
                lora_strength=lora_strength,
                structure_scale=structure_scale,
            )
        )


NODES: list[type[io.ComfyNode]] = [LoadFaceStudio, FaceStudioFromIPAdapters]
