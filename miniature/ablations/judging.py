"""What the judge says of each picture of an arm."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ...models.placement.masks import ellipse
from ..judge.judge import Judge, Verdict
from ..judge.readers import Reader, person_windows
from ..judge.scores import IDENTITY, IDENTITY_PLACES, agreement, all_recognised, identity_hits, text_hits
from .heads import Previews
from .questions import Questions

MARGIN = 8  # pixels around a head that count for it: one cell of the latent
ROWS = 16  # pictures at once
STRANGERS = 8  # in the line-up
Values = dict[str, list[float]]  # by metric, one per picture; NaN where a picture says nothing


def judge_arm(judge: Judge, expressions: Reader | None, pictures: Tensor, questions: Questions) -> Values:
    """Return what is right in every picture.

    Args:
        judge: reads it.
        expressions: reads whether mouths are open; None leaves "copying" out.
        pictures: one per question, (P, 3, H, W), 0–1.
        questions: what was asked.

    Returns:
        "text", the share of what its caption says; "identity", the share of skin, hair colour and eyes of its people;
        each of these alone; "recognised", whether everybody is picked out of a line-up; for two people also "blending",
        how far their faces agree beyond what the two people do, and for one "copying", whether the mouth is open as on the
        portrait; and "clear", how sure the judge is of what it sees.
    """
    codes = questions.scene.codes
    rows: list[dict[str, float]] = []
    for row, verdict in enumerate(read_pictures(judge, pictures)):
        said = of_picture(verdict, questions, row, pictures.shape[-1])
        if codes.shape[1] == 1 and expressions is not None:
            said["copying"] = _copying(expressions, verdict, pictures[row], questions.opening[row, 0])
        rows.append(said)
    return gather(rows)


def read_pictures(judge: Judge, pictures: Tensor) -> list[Verdict]:
    """Return what a judge sees in each of the pictures (P, 3, H, W), 0–1."""
    return [verdict for part in pictures.split(ROWS) for verdict in judge.read(part)]


def gather(rows: list[dict[str, float]]) -> Values:
    """Return what is said of every picture by metric; the first of them names the metrics."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def of_picture(verdict: Verdict, questions: Questions, row: int, width: int) -> dict[str, float]:
    """Return what is right in one picture by metric, see `judge_arm`, without "copying".

    Args:
        verdict: of the picture.
        questions: all of them.
        row: which of them was asked.
        width: of the picture, pixels.
    """
    codes = questions.scene.codes
    text = text_hits(verdict, questions.scene.facts, codes, row, width)
    identity = identity_hits(verdict, codes[row])
    others = codes[(row + 1 + torch.arange(STRANGERS)) % len(codes), 0]
    strangers = others[(others[:, None] != codes[row]).any(-1).all(1)]
    values = {"text": _mean([_mean(each) for each in text.values()])}
    values["identity"] = _mean([_mean(identity[name]) for name in IDENTITY])
    values |= {name: _mean(identity[name]) for name in IDENTITY}
    values["clear"] = _clearness(verdict)
    values["recognised"] = float(all_recognised(verdict, codes[row], strangers))
    if codes.shape[1] == 2:
        seen = agreement(verdict)
        alike = (codes[row, 0] == codes[row, 1])[list(IDENTITY_PLACES)].float().mean()
        values["blending"] = float("nan") if seen is None else seen - float(alike)
    return values


def _clearness(verdict: Verdict) -> float:
    """The mean probability of the likeliest answers; what is asked of people counts 0 where no face is seen."""
    seen = [answers.exp().amax(-1).mean() if len(answers) else torch.tensor(0.0) for answers in verdict.people.values()]
    seen += [answers.exp().amax(-1) for answers in verdict.backdrop.values()]
    return float(torch.stack(seen).mean())


@torch.no_grad()
def _copying(expressions: Reader, verdict: Verdict, picture: Tensor, opening: Tensor) -> float:
    if verdict.count != 1:
        return float("nan")
    read = expressions(person_windows(picture[None], verdict.points))["opening"].argmax(-1)
    return float(bool(read[0]) == bool(opening))


def change_outside(pictures: Tensor, others: Tensor, heads: Previews) -> list[float]:
    """Return how far pictures differ from others outside of the others' heads.

    Args:
        pictures: (P, 3, H, W), 0–1.
        others: drawn from the same noise, likewise.
        heads: finds them.

    Returns:
        The mean square of the differences, a thousandfold; NaN where the other picture shows no face.
    """
    return [_change(picture, other, heads.boxes(other)) for picture, other in zip(pictures, others, strict=True)]


def _change(picture: Tensor, other: Tensor, boxes: Tensor) -> float:
    if not len(boxes):
        return float("nan")
    size = (other.shape[-2], other.shape[-1])
    inside = torch.stack([ellipse(box, size) for box in boxes]).amax(0)
    wide = max_pool2d(inside[None], 2 * MARGIN + 1, stride=1, padding=MARGIN)[0] > 0
    return float((picture - other)[:, ~wide].square().mean()) * 1000


def _mean(values: list[bool] | list[float]) -> float:
    return sum(map(float, values)) / len(values) if values else float("nan")
