"""Load IP-Adapter: the adapter, the image encoder and the face recogniser together."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...host.files import AUTO, NONE, list_files
from ...host.ip_adapter.adapter import choose_ip_adapter
from ...models.ip_adapter.kinds import VERSIONS
from ..schema import ADVANCED, IPAdapter, found_by, given_image_encoder, image_encoder_file, recogniser_file, shelf


class LoadIPAdapter(io.ComfyNode):
    """Reads an adapter of any kind and what it needs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadIPAdapter",
            display_name="Load IP-Adapter",
            category=shelf("IP-Adapter"),
            description="Loads an IP-Adapter or FaceID for SD1.5 or SDXL with all that it needs; auto recognises files by their "
            "content.",
            **found_by("ip adapter", "ipadapter", "faceid", "face id", "image prompt", "style transfer"),
            inputs=[
                io.Combo.Input(
                    "ip_adapter",
                    options=[AUTO, *list_files("ipadapter")],
                    default=AUTO,
                    tooltip="The file in models/ipadapter: plain, Plus, Plus Face, Full Face, FaceID, FaceID Plus, PlusV2 or "
                    "Portrait. auto takes the first by name.",
                ),
                io.Combo.Input(
                    "version",
                    options=[AUTO, *VERSIONS],
                    default=AUTO,
                    tooltip="What the file is, where its content does not tell: Plus or Plus Face, FaceID Plus or PlusV2. auto "
                    "looks at the file's name too; Apply IP-Adapter shows what was taken.",
                    **ADVANCED,
                ),
                io.Combo.Input(
                    "lora",
                    options=[NONE, *list_files("loras")],
                    default=NONE,
                    tooltip="The LoRA in models/loras that was published beside a FaceID file. Files that hold it need none; the "
                    "published .bin files do.",
                    **ADVANCED,
                ),
                recogniser_file(),
                image_encoder_file(**ADVANCED),
                given_image_encoder(),
            ],
            outputs=[IPAdapter.Output(display_name="ip_adapter", tooltip="For Apply IP-Adapter.")],
        )

    @classmethod
    def execute(
        cls,
        ip_adapter: str,
        version: str,
        lora: str,
        recogniser: str,
        clip_vision_file: str,
        clip_vision: Any = None,
    ) -> io.NodeOutput:
        return io.NodeOutput(
            choose_ip_adapter(
                ip_adapter=ip_adapter,
                version=version,
                lora=lora,
                recogniser=recogniser,
                clip_vision_file=clip_vision_file,
                clip_vision=clip_vision,
            )
        )


NODES: list[type[io.ComfyNode]] = [LoadIPAdapter]
