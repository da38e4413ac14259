"""What a judge who knows all styles says of each picture of an arm."""

from __future__ import annotations

import torch
from torch import Tensor

from ...judge.judge import Judge, Verdict
from ...judge.scores import IDENTITY, IDENTITY_PLACES, identity_hits
from ..judging import Values, gather, of_picture, read_pictures
from .arms import other_people
from .questions import StyledQuestions

NOTHING = float("nan")


def judge_arm(judge: Judge, pictures: Tensor, questions: StyledQuestions) -> Values:
    """Return what is seen in every picture.

    Args:
        judge: knows all styles.
        pictures: of the first questions, (P, 3, H, W), 0–1.
        questions: what was asked.

    Returns:
        What `ablations.judging.judge_arm` says, and: "style", whether the picture is drawn as the style picture; "picture's tint" and
        "text's tint", whose background's colours it has, which are never the same; "picture's clothes" and "text's clothes" likewise,
        which may be; "like picture" and "like text", the means of these; "leaning", "picture's tint" less "text's tint"; "leak", the
        share of `IDENTITY` of the style picture's own people, and each of these alone; for one person also "like A" and "like B",
        the share of what tells the person from whom they are mixed with that is the one's and the other's.
    """
    asked, others = questions.asked, other_people(questions.asked.scene.codes)
    rows: list[dict[str, float]] = []
    for row, verdict in enumerate(read_pictures(judge, pictures)):
        said = of_picture(verdict, asked, row, pictures.shape[-1])
        said |= _of_style(verdict, questions, row)
        if others.shape[1] == 1:
            said |= _of_both(verdict, asked.scene.codes[row, 0], others[row, 0])
        rows.append(said)
    return gather(rows)


def _of_style(verdict: Verdict, questions: StyledQuestions, row: int) -> dict[str, float]:
    facts = questions.asked.scene.facts
    leaked = identity_hits(verdict, questions.codes[row])
    tint = int(verdict.backdrop["tint"].argmax())
    values = {
        "style": float(int(verdict.backdrop["style"].argmax()) == int(questions.styles[row])),
        "picture's tint": float(tint == int(questions.tints[row])),
        "picture's clothes": _share(verdict, "clothing", questions.clothing[row]),
        "text's tint": float(tint == int(facts.tint[row])),
        "text's clothes": _share(verdict, "clothing", facts.clothing[row]),
    }
    values["like picture"] = (values["style"] + values["picture's tint"] + values["picture's clothes"]) / 3
    values["like text"] = (values["text's tint"] + values["text's clothes"]) / 2
    values["leaning"] = values["picture's tint"] - values["text's tint"]
    leaks = {f"leak, {name}": sum(leaked[name]) / len(leaked[name]) for name in IDENTITY}
    return values | {"leak": sum(leaks.values()) / len(leaks)} | leaks


def _share(verdict: Verdict, question: str, true: Tensor) -> float:
    """The share of people, from left to right, of whom something is right; nothing is where their number is wrong."""
    return float((verdict.answers(question) == true).float().mean()) if verdict.count == len(true) else 0.0


def _of_both(verdict: Verdict, own: Tensor, other: Tensor) -> dict[str, float]:
    """How much of what tells two people apart is the one's and the other's; nothing where nothing does, or nobody is seen."""
    apart = [name for name, place in zip(IDENTITY, IDENTITY_PLACES, strict=True) if own[place] != other[place]]
    if verdict.count != 1 or not apart:
        return {"like A": NOTHING, "like B": NOTHING}
    hits = (identity_hits(verdict, torch.stack([code])) for code in (own, other))
    return {
        name: sum(float(found[each][0]) for each in apart) / len(apart)
        for name, found in zip(("like A", "like B"), hits, strict=True)
    }
