"""Predict Image Embedding: a text as CLIP might have seen it in a picture."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..host.files import AUTO, list_files
from ..host.picture_embeddings import as_clip_vision_output
from ..host.prior import (
    FOLDER,
    GUIDANCE,
    MOST_AVERAGED,
    MOST_GUIDANCE,
    MOST_STEPS,
    SEEDS,
    STEPS,
    LoadedPrior,
    choose_prior,
    predict,
)
from ..models.clip.posterior import FEWEST_STEPS
from ..models.facestudio.style import Space, Style
from .schema import ADVANCED, Prior, found_by, shelf
from .schema import Style as StyleSocket


class PredictImageEmbedding(io.ComfyNode):
    """Translates a text into an embedding of a picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessPredictImageEmbedding",
            display_name="Predict Image Embedding",
            category=shelf("FaceStudio"),
            description="Predicts from a text the embedding that CLIP might have given of its picture, with the prior of Karlo or "
            "Kandinsky: for FaceStudio, for IP-Adapter and for unCLIP.",
            **found_by("unclip prior", "karlo", "kandinsky", "text to image embedding", "facestudio", "style"),
            inputs=[
                io.Clip.Input(
                    "clip",
                    tooltip="For Kandinsky 2.2 the CLIP of an SDXL checkpoint; for Karlo and Kandinsky 2.1 OpenAI's ViT-L/14 with "
                    "its text projection, from Load CLIP.",
                ),
                io.Combo.Input(
                    "prior",
                    options=[AUTO, *list_files(FOLDER)],
                    default=AUTO,
                    tooltip="The file in models/prior. auto takes the first by name that reads this CLIP.",
                ),
                io.String.Input("text", multiline=True, default="", tooltip="What the picture shows, as plain words."),
                io.String.Input(
                    "negative_text", multiline=True, default="", tooltip="What it is to be unlike; usually empty."
                ),
                io.Int.Input(
                    "steps",
                    default=STEPS,
                    min=FEWEST_STEPS,
                    max=MOST_STEPS,
                    tooltip="How many steps the prior takes.",
                ),
                io.Float.Input(
                    "guidance",
                    default=GUIDANCE,
                    min=1.0,
                    max=MOST_GUIDANCE,
                    step=0.1,
                    tooltip="How closely it keeps to the text; 1 is the text alone.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=SEEDS - 1,
                    control_after_generate=True,
                    tooltip="Two seeds are two readings of the text.",
                ),
                io.Int.Input(
                    "average",
                    default=1,
                    min=1,
                    max=MOST_AVERAGED,
                    tooltip="The mean of so many readings: of this seed and those after it.",
                    **ADVANCED,
                ),
                Prior.Input(
                    "loaded_prior", optional=True, tooltip="A prior from another node, used instead of the file."
                ),
            ],
            outputs=[
                StyleSocket.Output(display_name="style", tooltip="For Apply FaceStudio, as its text."),
                io.ClipVisionOutput.Output(
                    display_name="clip_vision_output",
                    tooltip="The pooled embedding alone: for Apply IP-Adapter and unCLIPConditioning.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        clip: Any,
        prior: str,
        text: str,
        negative_text: str,
        steps: int,
        guidance: float,
        seed: int,
        average: int,
        loaded_prior: LoadedPrior | None = None,
    ) -> io.NodeOutput:
        found = predict(
            clip,
            choose_prior(prior, clip) if loaded_prior is None else loaded_prior,
            text,
            negative_text,
            steps=steps,
            guidance=guidance,
            seed=seed,
            average=average,
        )
        width = found.embedding.shape[1]
        space = Space(found.space, width) if found.space else Space.of_width(width)
        style = Style(embedding=found.embedding, space=space, source="text", note=found.note)
        return io.NodeOutput(style, as_clip_vision_output(found.embedding))


NODES: list[type[io.ComfyNode]] = [PredictImageEmbedding]
