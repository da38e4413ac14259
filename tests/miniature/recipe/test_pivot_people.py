"""Pictures of one person with their face in another portrait: whose it is, how it is cut, and what a batch shows of it."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.pivot_people import WIDE, cut_portraits, noun_rows, read_pivot_people
from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.world.world import World
from likeness.models.clip import text_ids
from likeness.tests.miniature.small_base import base as base
from likeness.training.batches.draws import Draws
from likeness.training.omniportrait.crops import middle

WORLD = World(seed=0, with_regions=True)
FILES = PoolFiles(pictures=2, rows=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pivot people")


@pytest.fixture(scope="module")
def pool(base, folder):
    return read_pivot_people(base, WORLD, folder, pictures=4, files=FILES)


def test_the_pool_shows_people_in_pictures_and_in_portraits_and_is_kept(base, pool, folder):
    scene, portraits = WORLD.scenes(range(4)), WORLD.portraits(range(4))
    assert torch.equal(pool.codes, scene.codes[:, 0])
    assert torch.equal(portraits.codes[:, 0], pool.codes)  # the crop shows the very person of the picture
    crops, heads = cut_portraits(portraits, Draws(WORLD.seed, tuple(range(4))))
    assert torch.equal(pool.crops[:, 0], crops)
    assert torch.equal(pool.heads[:, 0], heads)
    assert pool.faces.shape == (4, 1, 16, 16)
    torch.testing.assert_close(pool.faces.float().mean((1, 2, 3)), scene.faces.mean((1, 2, 3)), atol=1e-3, rtol=0)
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    again = read_pivot_people(base, WORLD, folder, pictures=4, files=FILES)
    assert torch.equal(again.crops, pool.crops)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert len(files) == 2


def test_the_row_is_that_of_the_noun():
    captions = World(seed=0).scenes(range(8)).captions
    for caption, row in zip(captions, noun_rows(captions)[:, 0].tolist(), strict=True):
        [(start, end)] = caption.nouns
        assert text_ids(caption.text)[row - 1] == text_ids(caption.text[start:end])[0]


def test_the_crop_is_filled_by_the_face():
    portraits = World(seed=0, with_regions=True).portraits(range(8))
    crops, heads = cut_portraits(portraits, Draws(0, tuple(range(8))))
    assert crops.shape == (8, 3, WIDE, WIDE)
    inner = middle(heads.float() / 255)
    assert inner.shape == (8, 70, 70)
    assert 0.6 < inner.mean() < 0.98
    assert inner[:, 25:45, 25:45].min() > 0.9


def test_a_batch_of_the_pool_shows_crops_as_if_from_other_photos(base, pool):
    batch, again, other = (pool.batch(base, Draws(seed, (0, 1, 2))) for seed in (0, 0, 1))
    assert batch.crops.shape == (3, 1, 3, 70, 70)
    assert 0 <= batch.crops.min() < batch.crops.max() <= 1
    assert torch.equal(batch.crops, again.crops)
    assert not torch.equal(batch.crops, other.crops)
    assert batch.present.all()
    assert batch.empty.shape == (1, 77, 16)
    assert (batch.weights >= 1).all()
