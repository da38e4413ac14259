"""Our methods on the miniature, each as a user would wire it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...workflows.miniature import DETECTOR, MARKED, ONE, PIVOT, STRUCTURE, TWO
from ...workflows.node import Socket
from .stage import Stage, out

NAMED = TWO.replace("man in a red shirt", "[man in a red shirt] @id1").replace(
    "boy in a green shirt", "[boy in a green shirt] @id2"
)
FACE = (32, 16, 64, 80)  # x, y, width and height in pixels of a box around the head in a picture of one person


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One column of the table.

    Attributes:
        text: the prompt without anything of ours, for the runs without the method.
        encode: makes both prompts.
        apply: puts the Apply node on the MODEL; None where a method has none.
    """

    text: str
    encode: Callable[[Stage], None] = Stage.encode_both
    apply: Callable[[Stage], None] | None = None


def _people(stage: Stage, count: int, **given: Any) -> Socket:
    people: list[Socket] = []
    for number in range(1, count + 1):
        chain = {"people": people[-1]} if people else {}
        photo = stage.miniature[f"portrait_{number}"]
        people.append(out(stage.add("LikenessAddPerson", photo=photo, detector=DETECTOR, **chain, **given)))
    return people[-1]


def _uniportrait(stage: Stage) -> None:
    """Two people, placed by the router."""
    stage.patch(
        "LikenessApplyUniPortrait",
        uniportrait=stage.miniature["uniportrait"],
        people=_people(stage, 2),
        structure_scale=STRUCTURE,
    )


def _consistentid_prompt(stage: Stage) -> None:
    """The face is merged into the prompt in the middle of the run."""
    prompt = stage.add(
        "LikenessEncodeConsistentIDPrompt",
        clip=stage.clip,
        consistentid=stage.miniature["consistentid"],
        people=_people(stage, 1),
        positive=stage.text,
        start_percent=0.4,
    )
    stage.positive, stage.negative = out(prompt), out(prompt, 1)


def _consistentid(stage: Stage) -> None:
    stage.patch("LikenessApplyConsistentID", consistentid=stage.miniature["consistentid"], people=_people(stage, 1))


def _omniportrait_prompt(stage: Stage) -> None:
    """The pivot alone, without guidance."""
    prompt = stage.add(
        "LikenessEncodeOmniPortraitPrompt",
        clip=stage.clip,
        omniportrait=stage.miniature["omniportrait"],
        people=_people(stage, 1),
        text=MARKED,
        strength=PIVOT,
    )
    stage.positive, stage.negative = out(prompt), stage.encode("")


def _guidance(stage: Stage) -> None:
    """One person inside a mask, pulled in every step."""
    stage.patch(
        "LikenessApplyReferenceGuidance",
        people=_people(stage, 1, mask=stage.mask(*FACE)),
        vae=stage.miniature["vae"],
        face_parser=stage.miniature["face_parser"],
        start_percent=0.0,
        end_percent=1.0,
        strength=0.3,
        features="fine",
        reference_percent=0.7,
        seeds=1,
    )


def _named_people(stage: Stage) -> None:
    """Both people at their words, which the positive prompt names."""
    prompt = stage.add("LikenessEncodePeoplePrompt", clip=stage.clip, people=_people(stage, 2), text=NAMED)
    stage.positive, stage.negative = out(prompt), stage.encode("")


def _ip_adapter(stage: Stage) -> None:
    """Two people, placed by what the picture attends to."""
    stage.patch(
        "LikenessApplyIPAdapter",
        ip_adapter=stage.miniature["ip_adapter"],
        people=_people(stage, 2),
        placement=stage.add("LikenessPlacePeople", by="words")["placement"],
    )


METHODS: Mapping[str, Method] = {
    "uniportrait": Method(text=TWO, apply=_uniportrait),
    "consistentid": Method(text=ONE, encode=_consistentid_prompt, apply=_consistentid),
    "omniportrait": Method(text=ONE, encode=_omniportrait_prompt),
    "ip-adapter": Method(text=TWO, encode=_named_people, apply=_ip_adapter),
    "reference-guidance": Method(text=ONE, apply=_guidance),
}
