"""Ways to draw the questions by FaceStudio, and what was drawn, kept on disk part by part."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ....diffusers_host.base import Base
from ....models.facestudio.background import Background
from ....models.facestudio.checkpoint import FaceStudioAdapter, weights_of
from ....models.facestudio.hybrid import blend, mix
from ....models.facestudio.places import MaskedRegions
from ....models.weights.state_dict import flatten
from ....training.batches.feature_store import FeatureStore, fingerprint
from ...studio.drawing import Settings
from ...studio.facestudio import Adapters, Guidance, draw_trained, draw_zero_shot
from ...studio.kept import Kept
from .questions import StyledQuestions

Places = Literal["shared", "columns", "silhouettes"]
ROWS = 16  # pictures at once
EDITION = 1  # of the code that draws: another number, and nothing that was kept is taken


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StyledArm:
    """One way to draw.

    Attributes:
        name: what the report calls it.
        brings: FaceStudio's own weights, or adapters in their place.
        people: in its questions.
        alpha: how much of the style is the style picture's and not the text's, 0–1; None draws without any.
        has_faces: whether faces are shown; else everybody is nobody.
        hides: whether the faces of the style picture are hidden.
        beta: how much of the face is another person's, 0–1, of pictures with one person.
        is_literal: whether a mixed face is the sum as it stands, see `hybrid.mix`.
        places: where people are. "shared" makes one face of all and has it everywhere; "columns" divides the picture from left to
            right; "silhouettes" are those of the people in a true picture.
        background: who is lent what is nobody's.
        pictures: how many of the questions are drawn at most; None draws all.
    """

    name: str
    brings: FaceStudioAdapter | Adapters
    people: int = 1
    alpha: float | None = 1.0
    has_faces: bool = True
    hides: bool = True
    beta: float = 0.0
    is_literal: bool = False
    places: Places = "shared"
    background: Background = "none"
    pictures: int | None = None

    @property
    def description(self) -> str:
        """Text of everything that the arm's pictures depend on beside questions and weights."""
        said = (self.people, self.alpha, self.has_faces, self.hides, self.beta, self.is_literal)
        return repr((*said, self.places, self.background))

    @property
    def weights(self) -> str:
        """Name of the weights that this arm alone has."""
        if isinstance(self.brings, Adapters):
            style, face = self.brings.style, self.brings.face
            return fingerprint([style.projection, style.attention, face.projection, face.attention])
        digest = hashlib.blake2b(digest_size=8)
        for key, tensor in flatten(weights_of(self.brings)).items():
            digest.update(key.encode() + tensor.cpu().contiguous().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StyledRenderer:
    """What every arm is drawn with.

    Attributes:
        base: the miniature.
        settings: how FaceStudio's own weights draw.
        adapted: how the adapters draw in their place.
        store: keeps what was drawn.
        rows: pictures at once.
    """

    base: Base
    settings: Settings
    adapted: Settings
    store: FeatureStore
    rows: int = ROWS


def draw_arm(renderer: StyledRenderer, arm: StyledArm, questions: StyledQuestions) -> Tensor:
    """Return an arm's latents, (P, C, h, w); parts that were kept are not drawn again."""
    weights = f"{fingerprint([renderer.base.unet, renderer.base.text_encoders[0].module])} {arm.weights}"
    settings = renderer.adapted if isinstance(arm.brings, Adapters) else renderer.settings
    count = min(len(questions), arm.pictures or len(questions))
    parts: list[Tensor] = []
    for start in range(0, count, renderer.rows):
        rows = slice(start, min(start + renderer.rows, count))
        key = _key(weights, arm, questions, rows, settings)
        if key not in renderer.store:
            renderer.store.write(key, {"latents": _draw_rows(renderer.base, arm, questions, rows, settings)})
        parts.append(renderer.store.read(key)["latents"])
    return torch.cat(parts)


def shown_faces(arm: StyledArm, questions: StyledQuestions) -> Tensor:
    """Return the faces that an arm shows, (P, N, V); N is 1 where all share one."""
    faces = questions.faces
    if not arm.has_faces:
        return torch.zeros_like(faces)
    if arm.beta:
        both = torch.cat((faces, other_people(faces)), 1)
        shares = faces.new_tensor((1 - arm.beta, arm.beta))
        return torch.stack([mix(pair, shares, literal=arm.is_literal) for pair in both])[:, None]
    if arm.places == "shared" and faces.shape[1] > 1:
        return torch.stack([mix(each, each.new_ones(len(each))) for each in faces])[:, None]
    return faces


def other_people(of_questions: Tensor) -> Tensor:
    """Return what belongs to the people that others are mixed with: those of other questions, (P, …)."""
    return of_questions.roll(len(of_questions) // 2, 0)


def _draw_rows(base: Base, arm: StyledArm, questions: StyledQuestions, rows: slice, settings: Settings) -> Tensor:
    noise, silhouettes = questions.asked.noise[rows], questions.asked.scene.instances[rows]
    guidance = Guidance(
        style=_style(arm, questions)[rows],
        faces=shown_faces(arm, questions)[rows],
        placement=_placement(arm, silhouettes),
        background=arm.background,
    )
    if isinstance(arm.brings, Adapters):
        prompts = [caption.text for caption in questions.asked.scene.captions[rows]]
        return draw_zero_shot(base, arm.brings, guidance, prompts, noise, settings)
    kept = None
    if arm.background == "freeze":
        covered = silhouettes.sum(1, keepdim=True).clamp(max=1)
        outside = 1 - avg_pool2d(covered, covered.shape[-1] // noise.shape[-1])
        kept = Kept(questions.latents[rows], outside)
    return draw_trained(base, arm.brings, guidance, noise, settings, kept=kept)


def _style(arm: StyledArm, questions: StyledQuestions) -> Tensor:
    """Return the style that an arm shows, (P, E)."""
    seen = questions.hidden if arm.hides else questions.bare
    return torch.zeros_like(seen) if arm.alpha is None else blend(seen, questions.said, arm.alpha)


def _placement(arm: StyledArm, silhouettes: Tensor) -> MaskedRegions | None:
    """Return where the people of some pictures are, of whose silhouettes (B, N, S, S)."""
    people = silhouettes.shape[1]
    if arm.places == "shared":
        return None
    if arm.places == "silhouettes":
        return MaskedRegions(tuple(silhouettes.unbind(1)))
    masks = torch.zeros(people, 1, *silhouettes.shape[2:])
    for number, columns in enumerate(torch.arange(silhouettes.shape[-1]).tensor_split(people)):
        masks[number, ..., columns] = 1
    return MaskedRegions(tuple(masks))


def _key(weights: str, arm: StyledArm, questions: StyledQuestions, rows: slice, settings: Settings) -> str:
    """Return a name for everything that a part of an arm depends on.

    What networks say of pictures counts as the pictures and the networks: its last bits depend on threads.
    """
    asked, digest = questions.asked, hashlib.blake2b(digest_size=16)
    captions = [caption.text for caption in asked.scene.captions[rows]]
    prior = "" if arm.alpha in (None, 1.0) else questions.said_by
    said = (EDITION, weights, asked.described_by, prior, arm.description, settings, captions)
    digest.update(repr(said).encode())
    others = (
        (other_people(asked.references),) if arm.beta else ()
    )  # who they are depends on how many questions there are
    for tensor in (asked.noise, asked.references, *others, questions.pictures, questions.truth):
        digest.update(tensor[rows].contiguous().numpy().tobytes())
    return digest.hexdigest()
