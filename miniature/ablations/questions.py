"""What is drawn in every arm: captions, noise and references, the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor

from ...diffusers_host.face_encoder import FaceEncoder
from ...training.batches.draws import Draws
from ...training.batches.feature_store import fingerprint
from ...training.omniportrait.crops import middle
from ..recipe.pivot_people import cut_portraits
from ..recipe.steps.backbone import cut_faces
from ..world.scene import Scene
from ..world.world import World
from .heads import true_heads

SEED = 1_000_003  # of a world that nothing was trained on; its people are held out besides
LATENTS = 16  # side


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Questions:
    """P pictures to draw, N people in each.

    Attributes:
        scene: what a perfect picture of each could look like; brings captions, facts and who is in it.
        noise: to begin with, (P, C, h, w).
        intrinsic, structure: features of a portrait of everybody, (P, N, T, D).
        opening: whether the mouth is open on the portrait, (P, N) bool.
        references: the portraits, (P, N, 3, S, S), 0–1.
        crops: their faces as OmniPortrait's image encoder sees them, (P, N, 3, s, s), 0–1.
        faces, heads: share of each of their pixels that shows the face, without hair and with it, (P, N, S, S).
        described_by: name of the networks whose features these are.
    """

    scene: Scene
    noise: Tensor
    intrinsic: Tensor
    structure: Tensor
    opening: Tensor
    references: Tensor
    crops: Tensor
    faces: Tensor
    heads: Tensor
    described_by: str

    def __len__(self) -> int:
        return len(self.noise)


def new_questions(faces: FaceEncoder, *, count: int, people: int, channels: int, seed: int = SEED) -> Questions:
    """Return questions about people whom no network has seen, in a world that no network has seen.

    Args:
        faces: describes the portraits.
        count: P.
        people: N.
        channels: C of the latents.
        seed: of the world.
    """
    world = World(seed=seed, split="held out")
    indices = range(count)
    scene = world.scenes(indices, people=(people, people))
    portraits = replace(world, with_regions=True).portraits(indices, people=people)
    draws = Draws(seed, tuple(range(count * people)))
    features = faces.features(cut_faces(portraits, draws))
    crops = middle(cut_portraits(portraits, draws)[0].float() / 255)
    shape = {"p": count, "n": people}
    return Questions(
        scene=scene,
        noise=Draws(seed, tuple(indices)).normal("noise", (channels, LATENTS, LATENTS)),
        intrinsic=rearrange(features.intrinsic, "1 (p n t) d -> p n t d", **shape),
        structure=rearrange(features.structure, "1 (p n t) d -> p n t d", **shape),
        opening=rearrange(portraits.plan.pose.opening[:, 0] > 0, "(p n) -> p n", **shape),
        references=rearrange(portraits.image, "(p n) c h w -> p n c h w", **shape),
        crops=rearrange(crops, "(p n) c h w -> p n c h w", **shape),
        faces=rearrange(portraits.faces[:, 0], "(p n) h w -> p n h w", **shape),
        heads=rearrange(true_heads(portraits)[:, 0], "(p n) h w -> p n h w", **shape),
        described_by=fingerprint([faces.backbone, faces.image_encoder]),
    )


def true_scenes(count: int) -> Scene:
    """Return the true pictures of questions about one person, with the masks of all regions."""
    return World(seed=SEED, split="held out", with_regions=True).scenes(range(count))


def shuffle(questions: Questions) -> Questions:
    """Return the same questions with other people's portraits: nothing about a person can be right but by chance."""
    order = torch.arange(len(questions)).roll(len(questions) // 2)
    portraits = ("intrinsic", "structure", "opening", "references", "crops", "faces", "heads")
    moved = {name: getattr(questions, name)[order] for name in portraits}
    return replace(questions, **moved)
