"""What the miniature's prior learns from."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.text_tower import read_texts
from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.recipe.styles.captioned_pictures import read_captioned_pictures
from likeness.miniature.recipe.styles.people import PEOPLE, style_embeddings
from likeness.miniature.world.world import World
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_base import frozen_faces
from likeness.training.batches.draws import Draws


def test_a_pair_is_a_caption_and_its_picture_without_faces(base, tmp_path):
    faces, world = frozen_faces(8, 5), World(seed=4)
    pairs = read_captioned_pictures(base, faces, world, tmp_path, pictures=4, files=PoolFiles(pictures=2, rows=2))
    scene = world.scenes(range(4), people=PEOPLE)
    said = read_texts(base.text_encoders[0], [caption.text for caption in scene.captions])
    torch.testing.assert_close(pairs.hidden.float(), said.hidden, atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(pairs.pooled, said.pooled)
    torch.testing.assert_close(pairs.embedding, style_embeddings(faces, scene.image, scene.boxes))
    draws = Draws(1, (0, 1, 2))
    batch, rows = pairs.batch(draws), draws.integers("pair", 4)
    assert torch.equal(batch.embedding, pairs.embedding[rows])
    assert torch.equal(batch.mask, said.mask[rows])
    assert torch.equal(batch.empty_pooled, read_texts(base.text_encoders[0], [""]).pooled)
