"""Pictures with references of everybody: whose they are, and when they are encoded again."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe import people
from likeness.miniature.recipe.latents import caption_tokens, encode_pictures, encode_tokens
from likeness.miniature.recipe.people import read_people
from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.world.world import World
from likeness.models.uniportrait.encode import ReferenceFeatures
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_base import base as base
from likeness.training.batches.draws import Draws
from torch import nn

WORLD = World(seed=9, with_regions=True)
PEOPLE = (1, 2)
PICTURES = 8
FILES = PoolFiles(pictures=4, rows=3)


class Reads:
    """Stands for the face encoders: crops are codes, and features are those codes."""

    def __init__(self, seed=0):
        torch.manual_seed(seed)
        self.backbone, self.image_encoder = nn.Linear(2, 2), nn.Linear(2, 2)

    def features(self, crops):
        return ReferenceFeatures(
            intrinsic=crops.float().repeat_interleave(3, 0)[None],
            structure=-crops.float().repeat_interleave(5, 0)[None],
        )


@pytest.fixture(autouse=True)
def codes_instead_of_crops(monkeypatch):
    monkeypatch.setattr(people, "cut_faces", lambda scene, draws: scene.codes[scene.present])


@pytest.fixture
def pool(base, tmp_path):
    return read_people(base, Reads(), WORLD, tmp_path, pictures=PICTURES, people=PEOPLE, files=FILES)


def test_references_show_the_people_of_their_picture(pool):
    scene = WORLD.scenes(range(PICTURES), people=PEOPLE)
    assert torch.equal(pool.present, scene.present)
    assert 0 < (~pool.present).sum() < PICTURES
    assert (pool.intrinsic.shape, pool.structure.shape) == ((PICTURES, 2, 3, 7), (PICTURES, 2, 5, 7))
    for features, sign in ((pool.intrinsic, 1), (pool.structure, -1)):
        found = (sign * features).long()
        assert torch.equal(found, found[:, :, :1].expand_as(found))
        assert torch.equal(found[:, :, 0][pool.present], scene.codes[scene.present])


def test_pictures_captions_and_boxes_are_those_of_the_world(pool, base):
    scene = WORLD.scenes(range(PICTURES), people=PEOPLE)
    with torch.no_grad():
        torch.testing.assert_close(pool.latents, encode_pictures(base, scene.image), atol=1e-5, rtol=1e-4)
    assert torch.equal(pool.tokens, caption_tokens([caption.text for caption in scene.captions]))
    assert torch.equal(pool.boxes, scene.boxes / 128)


def test_portraits_are_augmented_and_cut_with_numbers_of_their_own(base, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        people, "cut_faces", lambda scene, draws: seen.append(draws.positions) or scene.codes[scene.present]
    )
    read_people(base, Reads(), WORLD, tmp_path, pictures=PICTURES, people=PEOPLE, files=FILES)
    assert [place for part in seen for place in part] == list(range(2 * PICTURES))


def test_a_batch_takes_the_pictures_that_are_drawn(pool, base):
    draws = Draws(3, (5, 6, 7, 8, 9))
    rows = draws.integers("picture", PICTURES)
    batch = pool.batch(base, draws)
    assert batch.positions == draws.positions
    assert len(rows.unique()) > 1
    for name in ("latents", "boxes", "present"):
        assert torch.equal(getattr(batch, name), getattr(pool, name)[rows]), name
    for name in ("intrinsic", "structure"):
        assert torch.equal(getattr(batch, name), getattr(pool, name)[rows].float()), name
        assert getattr(batch, name).dtype == torch.float32
    torch.testing.assert_close(batch.text, encode_tokens(base, pool.tokens[rows]))
    assert not batch.text.requires_grad


def written(folder):
    """When every file of a folder was written, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}


def test_what_is_encoded_is_read_again(base, pool, tmp_path):
    files = written(tmp_path)
    again = read_people(base, Reads(), WORLD, tmp_path, pictures=PICTURES, people=PEOPLE, files=FILES)
    for name in ("latents", "tokens", "intrinsic", "structure", "boxes", "present"):
        assert torch.equal(getattr(again, name), getattr(pool, name)), name
    assert written(tmp_path) == files
    assert len(files) == 2


def test_more_pictures_are_encoded_beside_those_that_are_there(base, pool, tmp_path):
    files = written(tmp_path)
    more = read_people(base, Reads(), WORLD, tmp_path, pictures=10, people=PEOPLE, files=FILES)
    assert len(more.latents) == 12
    assert torch.equal(more.tokens[:PICTURES], pool.tokens)
    assert files.items() < written(tmp_path).items()


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize(
    "change",
    [
        {"faces": Reads(seed=1)},
        {"base": new_base(SIZES, seed=2)},
        {"world": World(seed=10, with_regions=True)},
        {"world": World(seed=9, split="held out", with_regions=True)},
        {"world": World(seed=9, size=64, with_regions=True)},
        {"people": (2, 2)},
    ],
    ids=["other encoders", "another VAE", "another seed", "held-out people", "smaller pictures", "more people"],
)
def test_parts_of_other_networks_and_worlds_are_not_taken(base, tmp_path, change):
    files = written(tmp_path)
    given = {"base": base, "faces": Reads(), "world": WORLD, "people": PEOPLE} | change
    read_people(**given, folder=tmp_path, pictures=PICTURES, files=FILES)
    assert files.items() < written(tmp_path).items()
    assert len({path.parent for path in written(tmp_path)}) == 2
