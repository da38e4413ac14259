"""The published pipelines: the sentence, the sizes and the switches in which they differ from each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

PipelineName = Literal["sd15", "sdxl", "inpaint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One published pipeline.

    Attributes:
        name: short name that code and messages use.
        sentence: the fixed sentence about a face, used where nobody writes another. A feature that it does not name has no
            marked word, so that feature's region is dropped (inpaint: the face).
        joiner: stands between the prompt and the description of the face. SD1.5 glues it to the prompt's last word.
        width: D, width of the text context.
        parsing_size: side in pixels of the square that a photo is squashed to for face parsing.
        detection_size: side in pixels of the face detector's input.
        channel_order: of the picture handed to insightface, which expects BGR. "RGB" is a mistake of the SD1.5 pipelines:
            detector and recogniser see red and blue exchanged, other than in training.
        shortcut: whether the ID tokens are the projected face vector plus what the resampler read from the photo, or
            only the latter.
        text_only: prompt of the phase before merging: "assembled" is prompt and description without markers, "raw" is the
            prompt alone.
        control_context: whether ControlNets see the ID tokens as more rows of text, and the conditional half only.
    """

    name: PipelineName
    sentence: str
    joiner: str
    width: Literal[768, 2048]
    parsing_size: int
    detection_size: int
    channel_order: Literal["RGB", "BGR"]
    shortcut: bool
    text_only: Literal["assembled", "raw"]
    control_context: bool


SD15 = Pipeline(
    name="sd15",
    sentence="The person has one face, one nose, two eyes, two ears, and one mouth.",
    joiner="Detail:",
    width=768,
    parsing_size=512,
    detection_size=640,
    channel_order="RGB",
    shortcut=False,
    text_only="assembled",
    control_context=False,  # the pipeline has no ControlNet
)
SDXL = Pipeline(
    name="sdxl",
    sentence="The person has one face, one nose, two eyes, two ears, and a mouth.",
    joiner="; Detail:",
    width=2048,
    parsing_size=1280,
    detection_size=512,
    channel_order="BGR",
    shortcut=True,
    text_only="raw",
    control_context=False,
)
INPAINT = replace(
    SD15,
    name="inpaint",
    sentence="The person has one nose, two eyes, two ears, and a mouth.",
    control_context=True,
)
PIPELINES = {pipeline.name: pipeline for pipeline in (SD15, SDXL, INPAINT)} | {"base": INPAINT}
