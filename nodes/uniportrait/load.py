"""Load UniPortrait: adapter, router, face backbone and image encoder together."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...host.files import AUTO, NONE, list_files
from ...host.uniportrait.adapter import choose_uniportrait
from ..schema import ADVANCED, UniPortrait, found_by, given_image_encoder, image_encoder_file, shelf


class LoadUniPortrait(io.ComfyNode):
    """Reads adapter, router, face backbone and image encoder together."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        files = list_files("uniportrait")
        return io.Schema(
            node_id="LikenessLoadUniPortrait",
            display_name="Load UniPortrait",
            category=shelf("UniPortrait"),
            description="Loads UniPortrait with all that it needs; auto recognises files by their content. The published files "
            "are for SD1.5 only.",
            **found_by("uniportrait", "face id", "faceid", "router", "several people"),
            inputs=[
                io.Combo.Input(
                    "faceid",
                    options=[AUTO, *files],
                    default=AUTO,
                    tooltip="The faceid file in models/uniportrait (published: uniportrait-faceid_sd15.bin, Apache-2.0).",
                ),
                io.Combo.Input(
                    "router",
                    options=[AUTO, NONE, *files],
                    default=AUTO,
                    tooltip="The router file (published: uniportrait-router_sd15.bin); needed for two or more people.",
                ),
                io.Combo.Input(
                    "backbone",
                    options=[AUTO, *files],
                    default=AUTO,
                    tooltip="The face recognition backbone (published: glint360k_curricular_face_r101_backbone.bin).",
                ),
                image_encoder_file(),
                io.Combo.Input(
                    "image_prompt",
                    options=[NONE, *list_files("ipadapter")],
                    default=NONE,
                    tooltip="An IP-Adapter file in models/ipadapter that follows pictures (plain or Plus, for SD1.5), only for the image prompt.",
                    **ADVANCED,
                ),
                given_image_encoder(),
            ],
            outputs=[UniPortrait.Output(display_name="uniportrait", tooltip="For Apply UniPortrait and Place People.")],
        )

    @classmethod
    def execute(
        cls,
        faceid: str,
        router: str,
        backbone: str,
        clip_vision_file: str,
        image_prompt: str,
        clip_vision: Any = None,
    ) -> io.NodeOutput:
        return io.NodeOutput(
            choose_uniportrait(
                faceid=faceid,
                router=router,
                backbone=backbone,
                clip_vision_file=clip_vision_file,
                image_prompt=image_prompt,
                clip_vision=clip_vision,
            )
        )


NODES: list[type[io.ComfyNode]] = [LoadUniPortrait]
