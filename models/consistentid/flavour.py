"""What the published pipelines do differently from each other, and what the corrected mode does differently from them.

This file is the table of ConsistentID's quirks: one field each, its docstring says what it does. docs/parity.md tells why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..errors import InvalidSettingError

LONGEST_CAPTION = 330  # characters; the published pipelines leave a longer caption out


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """How one pipeline behaves.

    Attributes:
        name: short name that code and messages use.
        caption: the fixed sentence about a face, used where nobody writes another. A feature that it does not name
            has no marked word, so that feature's region is dropped (inpaint: the face).
        joiner: stands between the prompt and the caption. SD1.5 glues it to the prompt's last word.
        long_prefix: stands before the caption where prompt and caption together exceed the 77 ids of the text encoder;
            the caption then comes first, so that the prompt's end is what gets lost.
        long_joiner: stands between caption and prompt there.
        parsing_size: side in pixels of the square that a photo is squashed to for face parsing.
        detection_size: side in pixels of the face detector's input.
        channel_order: of the picture handed to insightface, which expects BGR. "RGB" is a mistake of the SD1.5 pipelines:
            detector and recogniser see red and blue exchanged, other than in training.
        shortcut: whether the ID tokens are the projected face vector plus what the resampler read from the photo, or
            only the latter.
        s_scale: factor on what the resampler read; ignored without `shortcut`.
        text_only: prompt of the phase before merging: "assembled" is prompt and caption without markers, "raw" is the
            prompt alone.
        pairing: how regions find their words. "rank" takes the first region for the first word and so on, although words
            come as face, ears, eyes, nose, mouth and regions as Face, Eye, Ear, Nose, Lip: eyes go into the word "ears"
            and ears into "eyes". "name" takes each region for its own word, in the caption's own wording and order;
            "rank" also cuts the caption into the clauses that name a feature and puts these in the order of the words.
        literal_text: whether brackets, weights and embeddings are plain text, and ids beyond 77 are cut off together with
            the end token. False leaves all of that to the host's prompt syntax.
        second_tokenizer_knows_markers: SDXL's second tokenizer never learns the marker and splits each one into five or
            so ordinary tokens; its rows then lie beside other rows of the first encoder, and of the mask. True where
            both see the same text.
        fused_negative: whether regions (of empty pictures) are also fused into the negative text, at the positive text's
            places, in both phases. The published code does so by writing into its input.
        merge_inclusive: whether step `start_merge_step` itself is still text-only (`<=`), so that 0 means one such step.
        longest_caption: characters; a longer caption is left out altogether. None allows any length.
        control_context: whether ControlNets see the ID tokens as four more rows of text, and the conditional half only.
        several_people: whether more than one person can be described.
        width: D, width of the text context.
        guidance: default guidance scale.
        start_merge_step: default step up to which the text alone acts.
        demo_steps, demo_merge_step: what the demo scripts set.
    """

    name: str
    caption: str
    joiner: str
    long_prefix: str
    long_joiner: str
    parsing_size: int
    detection_size: int
    channel_order: Literal["RGB", "BGR"]
    shortcut: bool
    s_scale: float
    text_only: Literal["assembled", "raw"]
    pairing: Literal["rank", "name"]
    literal_text: bool
    second_tokenizer_knows_markers: bool
    fused_negative: bool
    merge_inclusive: bool
    longest_caption: int | None
    control_context: bool
    several_people: bool
    width: Literal[768, 2048]
    guidance: float
    start_merge_step: int
    demo_steps: int
    demo_merge_step: int


SD15 = Flavour(
    name="sd15",
    caption="The person has one face, one nose, two eyes, two ears, and one mouth.",
    joiner="Detail:",
    long_prefix="Detail:",
    long_joiner=" Caption:",
    parsing_size=512,
    detection_size=640,
    channel_order="RGB",
    shortcut=False,
    s_scale=1.0,
    text_only="assembled",
    pairing="rank",
    literal_text=True,
    second_tokenizer_knows_markers=False,  # there is no second tokenizer
    fused_negative=True,
    merge_inclusive=True,
    longest_caption=LONGEST_CAPTION,
    control_context=False,  # the pipeline has no ControlNet
    several_people=False,
    width=768,
    guidance=5.0,
    start_merge_step=0,
    demo_steps=50,
    demo_merge_step=30,
)
SDXL = replace(
    SD15,
    name="sdxl",
    caption="The person has one face, one nose, two eyes, two ears, and a mouth.",
    joiner="; Detail:",
    long_prefix="; Detail:",
    parsing_size=1280,
    detection_size=512,
    channel_order="BGR",
    shortcut=True,
    text_only="raw",
    width=2048,
    guidance=7.5,
)
INPAINT = replace(
    SD15,
    name="inpaint",
    caption="The person has one nose, two eyes, two ears, and a mouth.",
    control_context=True,
    guidance=7.5,
)
PUBLISHED = {flavour.name: flavour for flavour in (SD15, SDXL, INPAINT)} | {"base": INPAINT}


def corrected(flavour: Flavour) -> Flavour:
    """The same weights without the mistakes.

    Regions meet their own words, insightface gets BGR, the host's prompt syntax works, both tokenizers see one text, the
    negative text stays as it is, several people and captions of any length are allowed, merging starts at the step that is
    named, and ControlNets see text only. The joiner stands apart from the prompt: an embedding's name would not end there
    otherwise, and the ids are those of SDXL's.
    """
    return replace(
        flavour,
        joiner=" ; Detail:",
        long_prefix="Detail:",
        channel_order="BGR",
        pairing="name",
        literal_text=False,
        second_tokenizer_knows_markers=True,
        fused_negative=False,
        merge_inclusive=False,
        longest_caption=None,
        control_context=False,
        several_people=True,
    )


def flavour(name: str | Flavour) -> Flavour:
    """The flavour of a name ("sd15", "sdxl", "inpaint" or its alias "base"); a Flavour is returned as it is.

    Raises:
        InvalidSettingError: if there is no such flavour.
    """
    if isinstance(name, Flavour):
        return name
    if name not in PUBLISHED:
        known = ", ".join(f'"{known}"' for known in PUBLISHED)
        raise InvalidSettingError(f'There is no ConsistentID flavour "{name}"; choose one of {known}.')
    return PUBLISHED[name]
