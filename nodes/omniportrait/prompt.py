"""Encode OmniPortrait Prompt: puts people into the words of a prompt."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...host.omniportrait.adapter import LoadedOmniPortrait
from ...host.omniportrait.prompt import encode_prompt
from ...models.omniportrait.pivot_id_encoder import STRONGEST
from ...models.people.person import People as Chain
from ..schema import OmniPortrait, People, found_by, shelf


class EncodeOmniPortraitPrompt(io.ComfyNode):
    """Encodes a prompt whose nouns become people."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessEncodeOmniPortraitPrompt",
            display_name="Encode OmniPortrait Prompt",
            category=shelf("OmniPortrait"),
            description="Encodes the positive prompt and fuses people into their nouns: a man @id1 and a woman @id2 in a cafe.",
            **found_by("omniportrait", "prompt with people", "text encode", "person in the prompt", "@id1"),
            inputs=[
                io.Clip.Input("clip", tooltip="The CLIP of the checkpoint."),
                OmniPortrait.Input(
                    "omniportrait",
                    tooltip="The adapter, from Load OmniPortrait. Without one, Encode People Prompt notes which words are whom.",
                ),
                People.Input("people", tooltip="The people, from Add Person; @id1 is the first of the chain."),
                io.String.Input(
                    "text",
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="What the picture shows. @id1 stands behind the noun that is the first person, @id2 behind the "
                    "second's; @Anna behind that of the person with this name. With one person it may be left out. The noun of "
                    "somebody who is switched off stays a plain word. Prompt weights, embeddings and long prompts work.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=STRONGEST,
                    step=0.01,
                    tooltip="How far the nouns become the people: 0 leaves the words, 1 is what the adapter was trained with. "
                    "Times the strength of each person, 2 at most; acts for the whole run.",
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
        cls, clip: Any, omniportrait: LoadedOmniPortrait, people: Chain, text: str, strength: float
    ) -> io.NodeOutput:
        return io.NodeOutput(*encode_prompt(clip, people, text, omniportrait=omniportrait, strength=strength))


NODES: list[type[io.ComfyNode]] = [EncodeOmniPortraitPrompt]
