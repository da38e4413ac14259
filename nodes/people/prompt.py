"""Encode People Prompt: says which words of a prompt are whom."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...host.people_prompt import encode_people_prompt
from ...models.people.person import People as Chain
from ..schema import People, found_by, shelf


class EncodePeoplePrompt(io.ComfyNode):
    """Encodes a prompt in which words are people."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessEncodePeoplePrompt",
            display_name="Encode People Prompt",
            category=shelf("People"),
            description="Encodes the positive prompt and notes which words are whom: a man @id1 and [the woman on the left] @id2. "
            "For any checkpoint; the words themselves stay as they are.",
            **found_by("people", "prompt with people", "text encode", "person in the prompt", "@id1", "who is who"),
            inputs=[
                io.Clip.Input("clip", tooltip="The CLIP of the checkpoint."),
                People.Input("people", tooltip="The people, from Add Person; @id1 is the first of the chain."),
                io.String.Input(
                    "text",
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="What the picture shows. @id1 or the person's name, as in @Anna, stands behind the noun that is the "
                    "person, or behind several words in square brackets: [the woman on the left] @id2. With one person it may "
                    "be left out. Prompt weights, embeddings and long prompts work.",
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
    def execute(cls, clip: Any, people: Chain, text: str) -> io.NodeOutput:
        prompt = encode_people_prompt(clip, people, text)
        return io.NodeOutput(prompt.conditioning, prompt.text)


NODES: list[type[io.ComfyNode]] = [EncodePeoplePrompt]
