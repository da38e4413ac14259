"""Chains of people: mix somebody into the last person, pick one."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ...models.people.person import People as Chain
from ...models.people.preview import chain_strip
from ..schema import SHOWS, People, found_by, shelf


class MixPeople(io.ComfyNode):
    """Makes one person of several."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessMixPeople",
            display_name="Mix People",
            category=shelf("People"),
            description="Mixes another person's face into the last person of the chain. Put several in a row for more faces.",
            **SHOWS,
            **found_by("blend faces", "mix faces", "morph", "merge people", "face interpolation"),
            inputs=[
                People.Input("people", tooltip="The chain whose last person is changed."),
                People.Input("other", tooltip="Who is mixed in: one person, from Add Person or Pick Person."),
                io.Float.Input(
                    "weight",
                    default=0.3,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of the other person; the person keeps one minus the sum of all shares.",
                ),
            ],
            outputs=[
                People.Output(display_name="people", tooltip="The chain with the person who was made."),
                io.Image.Output(display_name="preview", tooltip="Who is in the chain and what each is made of."),
            ],
        )

    @classmethod
    def execute(cls, people: Chain, other: Chain, weight: float) -> io.NodeOutput:
        mixed = people.mix_into_last(other.only("other of Mix People"), weight)
        preview = chain_strip(mixed)
        return io.NodeOutput(mixed, preview, ui=ui.PreviewImage(preview, cls=cls))


class PickPerson(io.ComfyNode):
    """Takes one person out of a chain."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessPickPerson",
            display_name="Pick Person",
            category=shelf("People"),
            description="Takes one person out of a chain, for example to repaint one face of a group.",
            **found_by("choose person", "select person", "one person"),
            inputs=[
                People.Input("people", tooltip="The chain."),
                io.Int.Input("number", default=1, min=1, max=64, tooltip="Number of the person in the chain."),
            ],
            outputs=[People.Output(display_name="people", tooltip="This person alone.")],
        )

    @classmethod
    def execute(cls, people: Chain, number: int) -> io.NodeOutput:
        return io.NodeOutput(people.pick(number))


NODES: list[type[io.ComfyNode]] = [MixPeople, PickPerson]
