"""Apply FaceStudio: a style, faces and a text as one guidance."""

from __future__ import annotations

from typing import Any, get_args

from comfy_api.latest import io

from ...host.facestudio.method import Asked, LoadedFaceStudio
from ...host.placement import LoadedPlacement
from ...models.facestudio.background import BACKGROUNDS, Background
from ...models.facestudio.encode import MOST_STRENGTH, Mixing
from ...models.facestudio.regions import MODES, Mode
from ...models.facestudio.style import Style as StyleValue
from ...models.people.person import People as Chain
from ..schema import (
    ADVANCED,
    HIDDEN,
    SHOWS,
    FaceStudio,
    People,
    Placement,
    Style,
    found_by,
    model_input,
    people_shown,
    shelf,
    strip_of,
)


class ApplyFaceStudio(io.ComfyNode):
    """Puts a style and people into a MODEL and makes or hands on the prompts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessApplyFaceStudio",
            display_name="Apply FaceStudio",
            category=shelf("FaceStudio"),
            description="Draws people in the style of a picture, of a text, or of both by one slider; several people each keep their "
            "own face in their own place.",
            **SHOWS,
            **found_by("face studio", "style and face", "hybrid guidance", "stylise", "portrait in a style"),
            hidden=HIDDEN,
            inputs=[
                model_input("A checkpoint of the file's kind: SD1.5 or SDXL."),
                FaceStudio.Input("facestudio", tooltip="From Load FaceStudio or FaceStudio from IP-Adapters."),
                io.Float.Input(
                    "alpha",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="1 follows the picture of style alone, 0 the text of Predict Image Embedding alone.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=MOST_STRENGTH,
                    step=0.01,
                    tooltip="How strongly faces act, times the strength of each person.",
                ),
                io.Combo.Input(
                    "background",
                    options=list(BACKGROUNDS),
                    default="none",
                    tooltip="Places that belong to nobody. none: style without a face; mean: the mean of all faces; random: anybody, by "
                    "the seed; nearest: the nearest person; freeze: kept as in the latent, by people_mask and Set Latent Noise Mask.",
                ),
                io.Combo.Input(
                    "regions",
                    options=list(MODES),
                    default="hard",
                    tooltip="How masks divide the picture. hard: whoever covers most of a place; front: earlier people stand before later "
                    "ones; soft: shares.",
                    **ADVANCED,
                ),
                io.Combo.Input(
                    "mixing",
                    options=list(get_args(Mixing)),
                    default="unit length",
                    tooltip="People of Mix People. unit length: a mixed face counts as much as a single one; literal: the paper's sum.",
                    **ADVANCED,
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**32 - 1,
                    tooltip="Of the background random.",
                    **ADVANCED,
                ),
                Style.Input("style", optional=True, tooltip="The style picture, from Encode Style."),
                Style.Input("text", optional=True, tooltip="A text, from Predict Image Embedding."),
                People.Input(
                    "people", optional=True, tooltip="The people, from Add Person; without anybody the style is drawn."
                ),
                Placement.Input("placement", optional=True, tooltip="From Place People. Without it masks are used."),
                io.Conditioning.Input(
                    "positive",
                    optional=True,
                    tooltip="The prompt, for FaceStudio from IP-Adapters; a trained file takes none.",
                ),
                io.Conditioning.Input(
                    "negative",
                    optional=True,
                    tooltip="The negative prompt, for FaceStudio from IP-Adapters; a trained file takes none.",
                ),
                Style.Input(
                    "negative_text",
                    optional=True,
                    tooltip="For a trained file: what is not wanted, from another Predict Image Embedding.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model with style and people, for the sampler."),
                io.Conditioning.Output(
                    display_name="positive", tooltip="For the sampler, and for ControlNets before it."
                ),
                io.Conditioning.Output(
                    display_name="negative", tooltip="For the sampler, and for ControlNets before it."
                ),
                io.Boolean.Output(
                    display_name="applied", tooltip="False if nothing acts and the model was passed through."
                ),
                io.Image.Output(display_name="preview", tooltip="Who is in, in which colour, and how each is placed."),
                io.Mask.Output(
                    display_name="people_mask", tooltip="Where people with masks are, for Set Latent Noise Mask."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        facestudio: LoadedFaceStudio,
        alpha: float,
        strength: float,
        background: Background,
        regions: Mode,
        mixing: Mixing,
        seed: int,
        style: StyleValue | None = None,
        text: StyleValue | None = None,
        people: Chain | None = None,
        placement: LoadedPlacement | None = None,
        positive: Any = None,
        negative: Any = None,
        negative_text: StyleValue | None = None,
    ) -> io.NodeOutput:
        asked = Asked(
            people=people or Chain(),
            style=style,
            text=text,
            negative_text=negative_text,
            alpha=alpha,
            strength=strength,
            mixing=mixing,
            regions=regions,
            background=background,
            seed=seed,
            where=placement,
            positive=positive,
            negative=negative,
        )
        found = facestudio.apply(model, asked)
        strip = strip_of(found.lines, cls, found.note)
        return io.NodeOutput(
            found.model,
            found.positive,
            found.negative,
            found.is_applied,
            strip,
            found.people_mask,
            ui=people_shown(found.lines, strip, cls),
        )


NODES: list[type[io.ComfyNode]] = [ApplyFaceStudio]
