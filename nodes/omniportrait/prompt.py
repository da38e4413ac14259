"""OmniPortrait's pivot: load the adapter and put people into the words of a prompt."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...host.files import list_files, resolve
from ...host.omniportrait.adapter import LoadedOmniPortrait, load_omniportrait
from ...host.omniportrait.prompt import STRONGEST, encode_prompt
from ...models.omniportrait.pivot_prompt import read_prompt
from ...models.omniportrait.references import References as People
from ..sockets import CATEGORY, OmniPortrait, References

NONE = "none"


class LoadOmniPortrait(io.ComfyNode):
    """Reads the adapter and, where it needs them, the weights that it was trained from."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadOmniPortrait",
            display_name="Load OmniPortrait",
            category=CATEGORY,
            description="Loads an OmniPortrait adapter (Pivot ID Encoder) for SD1.5 or SDXL; the file tells which.",
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
                ),
            ],
            outputs=[OmniPortrait.Output(display_name="omniportrait", tooltip="The adapter.")],
        )

    @classmethod
    def execute(cls, omniportrait: str, base: str) -> io.NodeOutput:
        return io.NodeOutput(
            load_omniportrait(
                resolve("omniportrait", omniportrait), None if base == NONE else resolve("clip_vision", base)
            )
        )


class EncodeOmniPortraitPrompt(io.ComfyNode):
    """Encodes a prompt whose nouns become people."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessEncodeOmniPortraitPrompt",
            display_name="Encode OmniPortrait Prompt",
            category=CATEGORY,
            description="Encodes the positive prompt and fuses people into their nouns: a man @id1 and a woman @id2 in a cafe.",
            inputs=[
                io.Clip.Input("clip", tooltip="The CLIP of the checkpoint."),
                References.Input(
                    "references", tooltip="The people, from Add OmniPortrait Reference; @id1 is the first of the chain."
                ),
                io.String.Input(
                    "text",
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="What the picture shows. @id1 stands behind the noun that is the first person, @id2 behind the "
                    "second's; with one person it may be left out. Prompt weights, embeddings and long prompts work.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=STRONGEST,
                    step=0.01,
                    tooltip="How far the nouns become the people: 0 leaves the words, 1 is what the adapter was trained with.",
                ),
                OmniPortrait.Input(
                    "omniportrait",
                    optional=True,
                    tooltip="The adapter, from Load OmniPortrait. Without it the words stay as they are and are only noted, for "
                    "guidance by another method's people.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="conditioning", tooltip="The positive prompt, for the sampler."),
                io.String.Output(
                    display_name="text", tooltip="The prompt without markers, as the text encoder read it."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        clip: Any,
        references: People,
        text: str,
        strength: float,
        omniportrait: LoadedOmniPortrait | None = None,
    ) -> io.NodeOutput:
        encoded = encode_prompt(clip, references, text, omniportrait=omniportrait, strength=strength)
        return io.NodeOutput(encoded, read_prompt(text).text)


NODES: list[type[io.ComfyNode]] = [LoadOmniPortrait, EncodeOmniPortraitPrompt]
