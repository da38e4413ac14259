"""Set Facial Features: what goes into the words about one person's face."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...models.consistentid.features import MOST_STRENGTH, NO_WISHES, FeatureChoice
from ...models.consistentid.features import FacialFeatures as Wishes
from ..schema import FacialFeatures, found_by, shelf

FEATURES = ("face", "eyes", "ears", "nose", "mouth")


class SetFacialFeatures(io.ComfyNode):
    """Sets caption, switches and strengths of one person, and who lends what they lack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        switches = [
            io.Boolean.Input(name, default=True, tooltip=f"Whether the person's own photos give the {name}.")
            for name in FEATURES
        ]
        strengths = [
            io.Float.Input(
                f"{name}_strength",
                default=1.0,
                min=0.0,
                max=MOST_STRENGTH,
                step=0.01,
                tooltip=f'How far the word "{name}" is moved towards the photos; 1 is the published behaviour.',
            )
            for name in FEATURES
        ]
        return io.Schema(
            node_id="LikenessSetFacialFeatures",
            display_name="Set Facial Features",
            category=shelf("ConsistentID"),
            description="Chooses what of one person's face goes into the prompt, and from whom other features are taken. Chain "
            "one for every person who differs from the defaults.",
            **found_by("facial features", "facial regions", "eyes", "nose", "mouth", "mix faces", "consistentid"),
            inputs=[
                io.Int.Input(
                    "person", default=1, min=1, max=64, tooltip="Number of the person in the chain, counted from 1."
                ),
                io.String.Input(
                    "caption",
                    default="",
                    multiline=True,
                    tooltip="What is said about the face, for example a captioner's text; the words face, eyes, ears, nose and "
                    "mouth in it take the regions. Empty: the published sentence, with the regions that were found.",
                ),
                *switches,
                *strengths,
                io.Int.Input(
                    "others_from",
                    default=0,
                    min=0,
                    max=64,
                    tooltip="Number of the person who gives every feature that is switched off here or not seen in this "
                    "person's photos; 0 is nobody. That person may be switched off themselves (strength 0).",
                ),
                FacialFeatures.Input(
                    "features", optional=True, tooltip="The settings of other people, from another Set Facial Features."
                ),
            ],
            outputs=[
                FacialFeatures.Output(
                    display_name="features", tooltip="For Encode ConsistentID Prompt, or the next Set Facial Features."
                )
            ],
        )

    @classmethod
    def execute(
        cls, person: int, caption: str, others_from: int, features: Wishes = NO_WISHES, **choices: Any
    ) -> io.NodeOutput:
        strengths = {name: choices[f"{name}_strength"] for name in FEATURES if choices[name]}
        choice = FeatureChoice(person=person, caption=caption, strengths=strengths, others_from=others_from)
        return io.NodeOutput(features.add(choice))


NODES: list[type[io.ComfyNode]] = [SetFacialFeatures]
