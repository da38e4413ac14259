"""Load OmniPortrait: the adapter and, where it needs them, the weights that it was trained from."""

from __future__ import annotations

from comfy_api.latest import io

from ...host.files import list_files, resolve
from ...host.omniportrait.adapter import load_omniportrait
from ..schema import ADVANCED, OmniPortrait, found_by, shelf

NONE = "none"


class LoadOmniPortrait(io.ComfyNode):
    """Reads the adapter."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadOmniPortrait",
            display_name="Load OmniPortrait",
            category=shelf("OmniPortrait"),
            description="Loads an OmniPortrait adapter (Pivot ID Encoder) for SD1.5 or SDXL; the file tells which.",
            **found_by("omniportrait", "pivot id encoder", "identity adapter"),
            inputs=[
                io.Combo.Input(
                    "omniportrait",
                    options=list_files("omniportrait"),
                    tooltip="The adapter in models/omniportrait. No trained one is published; this pack's trainer makes them.",
                ),
                io.Combo.Input(
                    "base",
                    options=[NONE, *list_files("clip_vision")],
                    default=NONE,
                    tooltip="The file in models/clip_vision that the adapter was trained from, in open_clip's own format; only "
                    "for adapters that hold no more than what training changed. The message names it where it is missing.",
                    **ADVANCED,
                ),
            ],
            outputs=[OmniPortrait.Output(display_name="omniportrait", tooltip="The adapter.")],
        )

    @classmethod
    def execute(cls, omniportrait: str, base: str) -> io.NodeOutput:
        path = resolve("omniportrait", omniportrait)
        return io.NodeOutput(load_omniportrait(path, None if base == NONE else resolve("clip_vision", base)))


NODES: list[type[io.ComfyNode]] = [LoadOmniPortrait]
