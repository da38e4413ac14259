"""Ways to draw the questions, and what was drawn, kept on disk part by part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from ...diffusers_host.base import Base
from ...diffusers_host.looking import NOBODY
from ...models.adapters.identity_attention import Acting, IdentityResidual
from ...models.adapters.weights import LoRA
from ...models.ip_adapter.checkpoint import IPAdapter
from ...models.miniature.finder import FaceFinder
from ...models.omniportrait.checkpoint import OmniPortraitAdapter
from ...models.placement.placements import Placement
from ...models.records.guidance import GuidanceRecord
from ...models.uniportrait.application import lora_for
from ...models.uniportrait.checkpoint import UniPortraitAdapter
from ...models.uniportrait.encode import ReferenceFeatures
from ...training.batches.feature_store import FeatureStore, fingerprint
from ..recipe.pivot_people import noun_rows
from ..studio.drawing import Settings, decode, draw_latents
from ..studio.pivots import Pivots, pivots_in
from ..studio.shown import tokens_of
from .guiding import Guiding
from .heads import Previews
from .questions import Questions, shuffle
from .routing import Placed, Way, find_people, way_to_place

ROWS = 16  # pictures at once
PIVOT_STRENGTH = 1.5  # chosen on 48 pictures of the world in which settings are chosen
EDITION = 1  # of the code that draws: another number, and nothing that was kept is taken


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Arm:
    """One way to draw.

    Attributes:
        name: what the report calls it.
        adapter: None draws without UniPortrait.
        faceid: IP-Adapter FaceID, which brings people in instead of UniPortrait, whose routers still tell where; None draws
            without it.
        pivot: None draws without OmniPortrait's pivot.
        pivot_strength: 0–2.
        choice: see `way_to_place`.
        structure_scale: 0–1.
        sees_means: whether the embedding sees the mean of every map of features alone.
        guiding: how the pictures are guided; None draws without OmniPortrait's guidance.
        is_shuffled: whether other people's portraits are shown.
        pictures: how many of the questions are drawn at most; None draws all.
    """

    name: str
    adapter: UniPortraitAdapter | None = None
    faceid: IPAdapter | None = None
    pivot: OmniPortraitAdapter | None = None
    pivot_strength: float = PIVOT_STRENGTH
    choice: Way = "argmax"
    structure_scale: float = 0.3
    sees_means: bool = False
    guiding: Guiding | None = None
    is_shuffled: bool = False
    pictures: int | None = None

    @property
    def description(self) -> str:
        """Text of everything that the arm's pictures depend on beside questions and weights."""
        said = (self.choice, self.structure_scale, self.sees_means, self.guiding)
        return repr(said if self.pivot is None else (*said, self.pivot_strength))

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """Networks that this arm alone has."""
        adapter, faceid, pivot = self.adapter, self.faceid, self.pivot
        return (
            *(() if faceid is None else (faceid.projection, faceid.attention)),
            *(() if adapter is None else (adapter.id_embedding, adapter.face_attention, adapter.routers)),
            *(() if pivot is None else (pivot.pivot, pivot.image_encoder)),
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Renderer:
    """What every arm is drawn with.

    Attributes:
        base: the miniature.
        finder: finds faces in previews.
        nobody: the features of nobody.
        settings: how.
        store: keeps what was drawn.
        rows: pictures at once.
    """

    base: Base
    finder: FaceFinder
    nobody: ReferenceFeatures
    settings: Settings
    store: FeatureStore
    rows: int = ROWS


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Drawn:
    """What was drawn in an arm.

    Attributes:
        latents: as the UNet takes them, (P, C, h, w).
        entropies: mean entropy of the routers' softmax of every part, nats; empty where none was asked.
        likeness: similarity of matched features at the first and the last guided step, mean over people, (P, 2); NaN where
            nobody was guided.
    """

    latents: Tensor
    entropies: Tensor
    likeness: Tensor

    @property
    def entropy(self) -> float:
        """Mean entropy of all parts, nats; NaN where no router was asked."""
        return float(self.entropies.mean())

    def pictures(self, base: Base, most: int | None = None) -> Tensor:
        """Return the first of the pictures, (P, 3, H, W), 0–1."""
        return torch.cat([decode(base, part) for part in self.latents[:most].split(ROWS)])


def draw_arm(renderer: Renderer, arm: Arm, questions: Questions) -> Drawn:
    """Draw an arm's questions; parts that were kept are not drawn again."""
    questions = shuffle(questions) if arm.is_shuffled else questions
    weights = fingerprint([renderer.base.unet, renderer.base.text_encoders[0].module, renderer.finder, *arm.networks])
    count = min(len(questions), arm.pictures or len(questions))
    parts: list[Mapping[str, Tensor]] = []
    for start in range(0, count, renderer.rows):
        rows = slice(start, min(start + renderer.rows, count))
        key = _key(weights, arm, questions, rows, renderer.settings)
        if key not in renderer.store:
            renderer.store.write(key, _draw_rows(renderer, arm, questions, rows))
        parts.append(renderer.store.read(key))
    return Drawn(**{field.name: torch.cat([part[field.name] for part in parts]) for field in fields(Drawn)})


@torch.no_grad()
def _draw_rows(renderer: Renderer, arm: Arm, questions: Questions, rows: slice) -> dict[str, Tensor]:
    prompts = [caption.text for caption in questions.scene.captions[rows]]
    record = GuidanceRecord()
    guided = None if arm.guiding is None else arm.guiding.of(renderer.base, renderer.finder, questions, rows, record)
    residual: IdentityResidual | None = None
    lora: LoRA | None = None
    entropies: list[float] = []
    found: Placed | None = None
    if arm.adapter is not None or arm.faceid is not None:
        captions = questions.scene.captions[rows]
        found = find_people(arm.choice, captions, Previews(renderer.base, renderer.finder, 0.0))
        placement = None if found is None else found.placement
        residual, lora = _identity_residual(arm, questions, rows, renderer.nobody, entropies, placement)
    with pivots_in(renderer.base, _pivots(arm, questions, rows)):
        latents = draw_latents(
            renderer.base,
            prompts,
            questions.noise[rows],
            renderer.settings,
            residual=residual,
            lora=lora,
            guided=guided,
            looks=NOBODY if found is None else found.looks,
        )
    mean = [sum(entropies) / len(entropies)] if entropies else []
    return {"latents": latents, "entropies": torch.tensor(mean), "likeness": _likeness(record, len(latents))}


def _pivots(arm: Arm, questions: Questions, rows: slice) -> Pivots | None:
    if arm.pivot is None:
        return None
    return Pivots.of(
        arm.pivot, questions.crops[rows], noun_rows(questions.scene.captions[rows]), strength=arm.pivot_strength
    )


def _likeness(record: GuidanceRecord, rows: int) -> Tensor:
    """Return the likeness at the first and the last guided step, see `Drawn`."""
    if not record.entries:
        return torch.full((rows, 2), torch.nan)
    ends = [[each.likeness for each in record.entries if each.sigma == record.entries[end].sigma] for end in (0, -1)]
    return torch.stack([torch.tensor(end).mean(0) for end in ends], -1)


def _identity_residual(
    arm: Arm,
    questions: Questions,
    rows: slice,
    nobody: ReferenceFeatures,
    entropies: list[float],
    placement: Placement | None,
) -> tuple[IdentityResidual, LoRA | None]:
    """Return what brings the people of an arm in: of UniPortrait, or of FaceID at the places that it or UniPortrait tells."""
    shown = [
        tokens_of(
            brings,
            questions.intrinsic[rows],
            questions.structure[rows],
            nobody,
            structure_scale=arm.structure_scale,
            sees_means=arm.sees_means,
        )
        for brings in (arm.adapter, arm.faceid)
        if brings is not None
    ]
    people = shown[0].tokens.shape[1]
    routers = nn.ModuleDict() if arm.adapter is None else arm.adapter.routers
    residual = IdentityResidual(
        attention=shown[-1].attention,
        tokens=shown[-1].tokens,
        null_tokens=shown[-1].null_tokens,
        people=tuple(Acting(name=f"{number + 1}", strength=1.0) for number in range(people)),
        placement=placement or way_to_place(arm.choice, routers, shown[0].tokens, entropies),
    )
    if arm.faceid is not None:
        return residual, arm.faceid.lora
    assert arm.adapter is not None
    return residual, lora_for(arm.adapter, 1 if arm.choice == "everybody" else people)


def _key(weights: str, arm: Arm, questions: Questions, rows: slice, settings: Settings) -> str:
    """Return a name for everything that a part of an arm depends on.

    Features of portraits count as the portraits and the networks that see them: their last bits depend on threads.
    """
    digest = hashlib.blake2b(digest_size=16)
    captions = [caption.text for caption in questions.scene.captions[rows]]
    said = (EDITION, weights, questions.described_by, arm.description, settings, captions)
    digest.update(repr(said).encode())
    for tensor in (questions.noise, questions.references, questions.heads):
        digest.update(tensor[rows].contiguous().numpy().tobytes())
    return digest.hexdigest()
