"""Merge People: several entries of a chain become one person."""

from __future__ import annotations

from typing import get_args

from comfy_api.latest import io, ui

from ...models.people.merging import How, merge_people
from ...models.people.person import People as Chain
from ...models.people.preview import chain_strip
from ..schema import SHOWS, People, found_by, shelf


class MergePeople(io.ComfyNode):
    """Makes one person of all that are in a chain."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessMergePeople",
            display_name="Merge People",
            category=shelf("People"),
            description="Makes one person of everybody in a chain: all photos or identity cards of the same person together, or the "
            "average of different people.",
            **SHOWS,
            **found_by("average face", "merge cards", "merge faces", "combine people", "several photos"),
            inputs=[
                People.Input("people", tooltip="Those who become one, from Add Person or Load Identity Card."),
                io.Combo.Input(
                    "how",
                    options=list(get_args(How)),
                    default="same person",
                    tooltip="same person: all their photos together, as if one Add Person had them; average: one of different people, "
                    "everybody with the same share.",
                ),
                io.String.Input(
                    "name", default="", tooltip="What messages and maps call the result. Empty: the first one's name."
                ),
            ],
            outputs=[
                People.Output(display_name="people", tooltip="One person, for a method or Save Identity Card."),
                io.Image.Output(display_name="preview", tooltip="Who was made, and of what."),
            ],
        )

    @classmethod
    def execute(cls, people: Chain, how: How, name: str) -> io.NodeOutput:
        merged = Chain().add(merge_people(people, how, name))
        preview = chain_strip(merged)
        return io.NodeOutput(merged, preview, ui=ui.PreviewImage(preview, cls=cls))


NODES: list[type[io.ComfyNode]] = [MergePeople]
