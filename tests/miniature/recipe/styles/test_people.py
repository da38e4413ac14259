"""What the miniature's FaceStudio learns from: styles without faces, faces, and pictures without people."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.recipe.steps.backbone import cut_faces
from likeness.miniature.recipe.styles.people import EMPTY, PEOPLE, read_style_people, style_embeddings
from likeness.miniature.world.world import World
from likeness.models.uniportrait.encode import vectors_of
from likeness.tests.miniature.small_base import base as base
from likeness.tests.miniature.small_base import frozen_faces
from likeness.training.batches.draws import Draws

PICTURES, WIDTH, EMBEDDING = 6, 8, 5
WORLD = World(seed=3, with_regions=True)  # of two people once the first is shown, once the second


@pytest.fixture(scope="module")
def faces():
    return frozen_faces(WIDTH, EMBEDDING)


@pytest.fixture(scope="module")
def pool(base, faces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    return read_style_people(base, faces, WORLD, folder, pictures=PICTURES, files=PoolFiles(pictures=3, rows=3))


def test_every_fifth_picture_shows_nobody(pool):
    empty = torch.arange(PICTURES) % EMPTY == 0
    lengths = pool.face.norm(dim=-1)
    assert (lengths[empty] == 0).all()
    torch.testing.assert_close(lengths[~empty], torch.ones(int((~empty).sum())))
    assert (pool.weights[empty] == 1).all()
    assert (pool.weights[~empty] > 1).any()
    assert pool.style.shape == (PICTURES, EMBEDDING)


def test_of_two_people_one_is_shown_and_the_place_of_the_other_does_not_count(base, pool):
    scene = WORLD.scenes(range(PICTURES), people=PEOPLE)
    two = scene.present[:, 1] & (torch.arange(PICTURES) % EMPTY != 0)
    assert two.any()
    for row in two.nonzero()[:, 0].tolist():
        inside = torch.nn.functional.avg_pool2d(scene.instances[row], 8)  # (2, h, w)
        total = [(pool.weights[row, 0].float() * (each > 0.99)).sum() for each in inside]
        assert min(total) < 0.05 * max(total)


def test_the_face_is_that_of_the_person_whose_place_counts(faces, pool):
    scene = WORLD.scenes(range(PICTURES), people=PEOPLE)
    portraits = WORLD.portraits(range(PICTURES), people=PEOPLE[1])
    deepest = faces.features(cut_faces(portraits, Draws(WORLD.seed, tuple(range(PEOPLE[1] * PICTURES))))).intrinsic
    vectors = vectors_of(deepest.unflatten(1, (PEOPLE[1] * PICTURES, -1))[0]).unflatten(0, (PICTURES, PEOPLE[1]))
    counted = set()
    for row in set(range(PICTURES)) - set(range(0, PICTURES, EMPTY)):
        inside = scene.instances[row]
        weight = torch.nn.functional.interpolate(pool.weights[row][None].float(), inside.shape[-2:])[0, 0]
        person = int((weight * inside).sum((-2, -1)).argmax())
        counted.add(person)
        torch.testing.assert_close(pool.face[row], vectors[row, person], atol=1e-5, rtol=1e-5)
        assert not torch.allclose(pool.face[row], vectors[row, 1 - person], atol=1e-3)
    assert counted == {0, 1}


def test_a_face_says_nothing_where_it_is_hidden(faces):
    """Another face in the very same box gives the same style; shown, it does not."""
    scene = WORLD.scenes([1])
    x0, y0, x1, y1 = (int(edge) for edge in scene.boxes[0, 0])
    other = scene.image.clone()
    middle = slice((y0 + y1) // 2 - 4, (y0 + y1) // 2 + 4), slice((x0 + x1) // 2 - 4, (x0 + x1) // 2 + 4)
    other[0, :, middle[0], middle[1]] = 0
    hidden = [style_embeddings(faces, each, scene.boxes) for each in (scene.image, other)]
    shown = [style_embeddings(faces, each, None) for each in (scene.image, other)]
    assert torch.equal(*hidden)
    assert not torch.equal(*shown)
    assert not torch.equal(hidden[0], shown[0])


def test_a_batch_takes_the_pictures_that_are_drawn(pool, base):
    draws = Draws(3, (5, 6, 7, 8))
    rows = draws.integers("picture", PICTURES)
    batch = pool.batch(base, draws)
    assert batch.positions == draws.positions
    assert torch.equal(batch.latents, pool.latents[rows])
    assert torch.equal(batch.style, pool.style[rows])
    assert torch.equal(batch.face, pool.face[rows])
