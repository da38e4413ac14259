"""What the miniature's FaceID learns from: UniPortrait's pictures, with the vectors that the recogniser gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.face_people import FacePool
from likeness.miniature.recipe.latents import caption_tokens, encode_tokens
from likeness.miniature.recipe.people import PeoplePool
from likeness.miniature.recipe.steps.backbone import new_backbone
from likeness.models.uniportrait.encode import backbone_input, face_vectors, preprocess, vectors_of
from likeness.tests.miniature.small_base import base as base
from likeness.training.batches.draws import Draws

PICTURES = 5


@pytest.fixture(scope="module")
def people():
    torch.manual_seed(0)
    return PeoplePool(
        latents=torch.randn(PICTURES, 4, 8, 8),
        tokens=caption_tokens([f"a man {number}" for number in range(PICTURES)]),
        intrinsic=torch.randn(PICTURES, 1, 49, 6).half(),
        structure=torch.randn(PICTURES, 1, 4, 3).half(),
        boxes=torch.zeros(PICTURES, 1, 4),
        present=torch.ones(PICTURES, 1, dtype=torch.bool),
        weights=torch.rand(PICTURES, 1, 8, 8).half(),
    )


def test_vectors_are_the_recognisers():
    torch.manual_seed(1)
    backbone = new_backbone().eval().requires_grad_(False)
    crops = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)
    maps = backbone(backbone_input(preprocess(crops)))[-1]
    torch.testing.assert_close(vectors_of(maps.flatten(2).transpose(1, 2)), face_vectors(backbone, crops))


def test_a_batch_takes_the_pictures_that_are_drawn(people, base):
    pool, draws = FacePool.of(people), Draws(3, (5, 6, 7, 8))
    rows = draws.integers("picture", PICTURES)
    batch = pool.batch(base, draws)
    assert batch.positions == draws.positions
    assert len(rows.unique()) > 1
    assert torch.equal(batch.latents, people.latents[rows])
    torch.testing.assert_close(batch.vectors, vectors_of(people.intrinsic[rows, 0].float()))
    torch.testing.assert_close(batch.vectors.norm(dim=-1), torch.ones(4))
    assert torch.equal(batch.weights, people.weights[rows].float())
    torch.testing.assert_close(batch.text, encode_tokens(base, people.tokens[rows]))
    torch.testing.assert_close(batch.empty, encode_tokens(base, caption_tokens([""])))
    assert not batch.text.requires_grad
