"""Ways to draw the questions, and what the judge says of each picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from ...models.adapter_layers import LoRA
from ...models.uniportrait.application import lora_for
from ...models.uniportrait.checkpoint import UniPortraitAdapter
from ...models.uniportrait.features import ReferenceFeatures
from ...training.base import Base
from ..judge.judge import Judge, Verdict
from ..judge.readers import Reader, person_windows
from ..judge.scores import IDENTITY, IDENTITY_PLACES, agreement, all_recognised, identity_hits, text_hits
from ..studio.drawing import Settings, decode, draw_latents
from ..studio.identities import Choice, RowIdentities
from .questions import Questions

ROWS = 16  # pictures at once
STRANGERS = 8  # in the line-up
Values = dict[str, list[float]]  # by metric, one per picture; NaN where a picture says nothing


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Arm:
    """One way to draw.

    Attributes:
        name: what the report calls it.
        adapter: None draws with the base alone.
        choice: see `RowIdentities`.
        structure_scale: 0–1.
        look: what is done to the features first, (P, N, T, D) each.
    """

    name: str
    adapter: UniPortraitAdapter | None
    choice: Choice = "argmax"
    structure_scale: float = 0.3
    look: Callable[[Tensor], Tensor] | None = None


@torch.no_grad()
def draw_arm(
    base: Base, arm: Arm, questions: Questions, nobody: ReferenceFeatures, settings: Settings
) -> tuple[Tensor, float]:
    """Draw all questions.

    Returns:
        The pictures, (P, 3, H, W), 0–1, and the mean entropy of the routers' softmax, nats; NaN where none was asked.
    """
    drawn: list[Tensor] = []
    entropies: list[float] = []
    for start in range(0, len(questions), ROWS):
        rows = slice(start, start + ROWS)
        prompts = [caption.text for caption in questions.scene.captions[rows]]
        residual: RowIdentities | None = None
        lora: LoRA | None = None
        if arm.adapter is not None:
            residual, lora = _attached(arm.adapter, arm, questions, rows, nobody, entropies)
        latents = draw_latents(base, prompts, questions.noise[rows], settings, residual=residual, lora=lora)
        drawn.append(decode(base, latents))
    return torch.cat(drawn), _mean(entropies)


def judge_arm(judge: Judge, expressions: Reader, pictures: Tensor, questions: Questions) -> Values:
    """What is right in every picture.

    Args:
        judge: reads it.
        expressions: reads whether mouths are open.
        pictures: one per question, (P, 3, H, W), 0–1.
        questions: what was asked.

    Returns:
        "text", the share of what its caption says; "identity", the share of skin, hair colour and eyes of its people;
        each of these alone; "recognised", whether everybody is picked out of a line-up; for two people also "blending",
        how far their faces agree beyond what the two people do, and for one "copying", whether the mouth is open as on the
        portrait.
    """
    codes = questions.scene.codes
    verdicts = [verdict for part in pictures.split(ROWS) for verdict in judge.read(part)]
    values: Values = {}
    for row, verdict in enumerate(verdicts):
        said = _of_picture(verdict, questions, codes, row, pictures.shape[-1])
        if codes.shape[1] == 1:
            said["copying"] = _copying(expressions, verdict, pictures[row], questions.opening[row, 0])
        for name, value in said.items():
            values.setdefault(name, []).append(value)
    return values


def _of_picture(verdict: Verdict, questions: Questions, codes: Tensor, row: int, width: int) -> dict[str, float]:
    text = text_hits(verdict, questions.scene.facts, codes, row, width)
    identity = identity_hits(verdict, codes[row])
    others = codes[(row + 1 + torch.arange(STRANGERS)) % len(codes), 0]
    strangers = others[(others[:, None] != codes[row]).any(-1).all(1)]
    values = {"text": _mean([_mean(each) for each in text.values()])}
    values["identity"] = _mean([_mean(identity[name]) for name in IDENTITY])
    values |= {name: _mean(identity[name]) for name in IDENTITY}
    values["recognised"] = float(all_recognised(verdict, codes[row], strangers))
    if codes.shape[1] == 2:
        seen = agreement(verdict)
        alike = (codes[row, 0] == codes[row, 1])[list(IDENTITY_PLACES)].float().mean()
        values["blending"] = float("nan") if seen is None else seen - float(alike)
    return values


@torch.no_grad()
def _copying(expressions: Reader, verdict: Verdict, picture: Tensor, opening: Tensor) -> float:
    if verdict.count != 1:
        return float("nan")
    read = expressions(person_windows(picture[None], verdict.points))["opening"].argmax(-1)
    return float(bool(read[0]) == bool(opening))


def _attached(
    adapter: UniPortraitAdapter,
    arm: Arm,
    questions: Questions,
    rows: slice,
    nobody: ReferenceFeatures,
    entropies: list[float],
) -> tuple[RowIdentities, LoRA | None]:
    intrinsic, structure = questions.intrinsic[rows], questions.structure[rows]
    nothing = nobody.intrinsic
    if arm.look is not None:
        intrinsic, nothing = arm.look(intrinsic), arm.look(nothing[None])[0]
    people = intrinsic.shape[1]
    tokens = adapter.id_embedding(
        rearrange(intrinsic, "b n t d -> (b n) t d"), rearrange(structure, "b n t d -> (b n) t d"), arm.structure_scale
    )
    null = adapter.id_embedding(nothing, nobody.structure, arm.structure_scale)
    lora = lora_for(adapter, 1 if arm.choice == "everybody" else people)
    residual = RowIdentities(
        attention=adapter.face_attention,
        routers=adapter.routers,
        tokens=rearrange(tokens, "(b n) t d -> b n t d", n=people),
        nobody=null,
        choice=arm.choice,
        entropies=entropies,
    )
    return residual, lora


def _mean(values: list[bool] | list[float]) -> float:
    return sum(map(float, values)) / len(values) if values else float("nan")
