"""What is drawn in every arm: the questions of the other reports, each with a style picture that shows somebody else."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ....diffusers_host.base import Base
from ....diffusers_host.face_encoder import FaceEncoder
from ....diffusers_host.text_tower import read_texts
from ....models.clip.prior_file import PriorWeights
from ....models.uniportrait.encode import vectors_of
from ....training.batches.draws import Draws
from ....training.batches.feature_store import fingerprint
from ...recipe.latents import encode_pictures
from ...recipe.steps.readers import names_of
from ...recipe.styles.people import style_embeddings
from ...world.styles import STYLES, restyle
from ...world.world import World
from ..questions import Questions

SEED = 3_000_003  # of the world of the style pictures, which nothing else shows
SPARE = 24  # style pictures more than are asked for, so that each question finds one with another tint
STEPS, TEXT_GUIDANCE = 25, 4.0  # of the prior; as published pipelines
ROWS = 16  # pictures encoded at once


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StyledQuestions:
    """P questions about N people, with a style picture each.

    Attributes:
        asked: captions, noise and portraits.
        pictures: the style pictures, (P, 3, S, S), 0–1; other held-out people before a background of another tint than the
            caption's.
        styles: in which they are drawn, codes of `styles.STYLES`, (P,) int64.
        tints: of their backgrounds, codes, (P,) int64.
        clothing: of their people, codes, (P, N) int64.
        codes: who is in them, (P, N, 7) int64.
        hidden, bare: what the image encoder says of them, their faces hidden and not, (P, E).
        said: what the prior says of the captions, (P, E).
        faces: of the portraits, of length 1, (P, N, V).
        truth: true pictures of the questions, drawn in the style of the style picture, (P, 3, S, S), 0–1.
        latents: of these, as the UNet takes them, (P, C, h, w).
        said_by: name of the prior.
    """

    asked: Questions
    pictures: Tensor
    styles: Tensor
    tints: Tensor
    clothing: Tensor
    codes: Tensor
    hidden: Tensor
    bare: Tensor
    said: Tensor
    faces: Tensor
    truth: Tensor
    latents: Tensor
    said_by: str

    def __len__(self) -> int:
        return len(self.asked)


@torch.no_grad()
def style_questions(base: Base, faces: FaceEncoder, prior: PriorWeights, asked: Questions) -> StyledQuestions:
    """Return questions with style pictures.

    Args:
        base: its text encoder reads captions, its VAE encodes true pictures.
        faces: its image encoder looks at style pictures.
        prior: tells what a caption's picture would be like.
        asked: the questions.
    """
    count, people = asked.intrinsic.shape[:2]
    world = World(seed=SEED, split="held out")
    numbers = _other_tints(world, people, asked.scene.facts.tint)
    scene = world.scenes(numbers, people=(people, people))
    styles = Draws(SEED, tuple(range(count))).integers("style", len(STYLES))
    pictures, truth = (restyle(each, names_of(styles)) for each in (scene.image, asked.scene.image))
    pairs = list(zip(pictures.split(ROWS), scene.boxes.split(ROWS), strict=True))
    return StyledQuestions(
        asked=asked,
        pictures=pictures,
        styles=styles,
        tints=scene.facts.tint,
        clothing=scene.facts.clothing,
        codes=scene.codes,
        hidden=torch.cat([style_embeddings(faces, part, boxes) for part, boxes in pairs]),
        bare=torch.cat([style_embeddings(faces, part, None) for part, _ in pairs]),
        said=say(base, prior, [caption.text for caption in asked.scene.captions]),
        faces=vectors_of(asked.intrinsic.flatten(0, 1)).unflatten(0, (count, people)),
        truth=truth,
        latents=torch.cat([encode_pictures(base, part) for part in truth.split(ROWS)]),
        said_by=fingerprint([prior.network]),
    )


@torch.no_grad()
def say(base: Base, prior: PriorWeights, texts: list[str], guidance: float = TEXT_GUIDANCE) -> Tensor:
    """What a prior says of B texts, (B, E).

    Args:
        base: with the text encoder that the prior was trained for.
        prior: draws an embedding for each, from noise that is a function of its place.
        texts: B of them.
        guidance: towards the text.
    """
    read, empty = (read_texts(base.text_encoders[0], each) for each in (texts, [""]))
    width, draws = prior.network.sizes.embedding, Draws(SEED, tuple(range(len(texts))))
    both = [
        torch.cat((nothing.expand_as(text), text))
        for nothing, text in ((empty.hidden, read.hidden), (empty.pooled, read.pooled), (empty.mask, read.mask))
    ]
    return prior.network.sample(
        *both,
        steps=STEPS,
        guidance=guidance,
        clamp=prior.description.clamp,
        start=draws.normal("start", (width,)),
        noise=list(draws.normal("noise", (STEPS - 1, width)).unbind(1)),
    )


def _other_tints(world: World, people: int, tints: Tensor) -> list[int]:
    """Return numbers of pictures, one for each question and none twice, whose tints are not the question's."""
    free = dict(enumerate(world.scenes(range(len(tints) + SPARE), people=(people, people)).facts.tint.tolist()))
    numbers: list[int] = []
    for tint in tints.tolist():
        numbers.append(next(number for number, other in free.items() if other != tint))
        del free[numbers[-1]]
    return numbers
