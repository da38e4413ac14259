"""ConsistentID's prompt: text with facial regions in it."""

from __future__ import annotations

from typing import Any, Literal, get_args

from comfy_api.latest import io, ui

from ...host.consistentid.adapter import LoadedConsistentID
from ...host.consistentid.prompt import encode_prompt
from ...host.sampling.delayed_conditioning import MergePoint
from ...models.consistentid.facial_regions import found_text, region_sheet
from ...models.consistentid.features import NO_WISHES
from ...models.consistentid.features import FacialFeatures as Wishes
from ...models.images.layout import images_from_arrays
from ...models.people.person import People as Chain
from ..schema import ADVANCED, SHOWS, ConsistentID, FacialFeatures, People, found_by, shelf

MergeBy = Literal["percent", "step"]


class EncodeConsistentIDPrompt(io.ComfyNode):
    """Encodes both prompts and merges the faces into the positive one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessEncodeConsistentIDPrompt",
            display_name="Encode ConsistentID Prompt",
            category=shelf("ConsistentID"),
            description="Encodes the prompt and fuses the people's facial regions into its words, from a point of the "
            "sampling on (delayed merging). Shows the regions that were found.",
            **SHOWS,
            **found_by("consistentid", "consistent id", "prompt", "facial features", "facial regions"),
            inputs=[
                io.Clip.Input("clip", tooltip="The CLIP of the checkpoint."),
                ConsistentID.Input("consistentid", tooltip="The adapter, from Load ConsistentID."),
                People.Input("people", tooltip="The people, from Add Person; the same as in Apply ConsistentID."),
                io.String.Input(
                    "positive",
                    default="",
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="What the picture shows; the description of the face is added. Prompt weights and embeddings work "
                    "in corrected mode.",
                ),
                io.String.Input(
                    "negative", default="", multiline=True, dynamic_prompts=True, tooltip="What it should not show."
                ),
                io.Combo.Input(
                    "merge_by",
                    options=list(get_args(MergeBy)),
                    default="percent",
                    tooltip="When the facial regions are merged into the prompt: from start_percent on, or after "
                    "start_merge_step as the published code counts it (that needs a model from one of this pack's Apply nodes).",
                ),
                io.Float.Input(
                    "start_percent",
                    default=0.6,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="For merge_by percent: up to here the text alone acts, which follows the prompt better; 0 merges at "
                    "once, which keeps more of the face. The ID tokens act all the time.",
                ),
                io.Int.Input(
                    "start_merge_step",
                    default=30,
                    min=-1,
                    max=10000,
                    tooltip="For merge_by step: the last step, counted from 0, that reads the text alone (in corrected mode the "
                    "first that reads the regions). The published demos use 30 of 50; -1 merges at once.",
                    **ADVANCED,
                ),
                io.Int.Input(
                    "width",
                    default=1024,
                    min=16,
                    max=16384,
                    step=8,
                    tooltip="Width of the picture in pixels; SDXL is told it, SD1.5 is not.",
                    **ADVANCED,
                ),
                io.Int.Input(
                    "height",
                    default=1024,
                    min=16,
                    max=16384,
                    step=8,
                    tooltip="Height of the picture in pixels; SDXL is told it, SD1.5 is not.",
                    **ADVANCED,
                ),
                FacialFeatures.Input(
                    "features",
                    optional=True,
                    tooltip="Captions, switches and strengths, from Set Facial Features. Without it every feature of every "
                    "person is used.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive", tooltip="The positive prompt, for the sampler."),
                io.Conditioning.Output(display_name="negative", tooltip="The negative prompt, for the sampler."),
                io.String.Output(
                    display_name="text",
                    tooltip="The prompt as it was assembled; <|facial|> stands after every word that takes a region.",
                ),
                io.Image.Output(
                    display_name="regions",
                    tooltip="The regions that go into the words, one beside the other; one black picture if there is none.",
                ),
                io.String.Output(
                    display_name="found", tooltip="Which regions there are, a line per person, such as Ada: Face, Nose."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        clip: Any,
        consistentid: LoadedConsistentID,
        people: Chain,
        positive: str,
        negative: str,
        merge_by: MergeBy,
        start_percent: float,
        start_merge_step: int,
        width: int,
        height: int,
        features: Wishes = NO_WISHES,
    ) -> io.NodeOutput:
        merge = MergePoint(
            percent=start_percent,
            step=start_merge_step if merge_by == "step" else None,
            inclusive=consistentid.flavour.merge_inclusive,
        )
        encoded = encode_prompt(
            consistentid,
            clip,
            people,
            features,
            positive=positive,
            negative=negative,
            merge=merge,
            size=(width, height),
        )
        sheet = images_from_arrays([region_sheet(encoded.people)])
        return io.NodeOutput(
            encoded.positive,
            encoded.negative,
            encoded.text,
            sheet,
            found_text(encoded.people),
            ui=ui.PreviewImage(sheet, cls=cls),
        )


NODES: list[type[io.ComfyNode]] = [EncodeConsistentIDPrompt]
