"""What the networks that look at faces learn from: worn pictures, crops, texts, and how wrong an answer is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.judge.readers import PERSON
from likeness.miniature.recipe.augment import wear
from likeness.miniature.recipe.steps import backbone
from likeness.miniature.recipe.steps.backbone import cut_faces, worn_crops
from likeness.miniature.recipe.steps.finder import found_loss
from likeness.miniature.recipe.steps.image_encoder import contrastive_loss, describe_face, new_image_encoder, whole
from likeness.miniature.recipe.steps.readers import person_answers
from likeness.miniature.world.people.identity import ATTRIBUTES, NOUNS
from likeness.miniature.world.world import World
from likeness.models.miniature.finder import CELL, VALUES, read_cells
from likeness.training.batches.draws import Draws

WORLD = World(seed=4)


@pytest.fixture(scope="module")
def scene():
    return WORLD.scenes(range(8), people=(1, 3))


def answer(scene):
    """What a network that knows everything says."""
    said = torch.zeros(len(scene.image), VALUES, 16, 16)
    said[:, 0] = -30
    for picture, person in scene.present.nonzero().tolist():
        box, points = scene.boxes[picture, person], scene.points[picture, person] + 0.5
        column, row = ((box[:2] + box[2:]) / 2 / CELL).long().tolist()
        middle = (torch.tensor([column, row]) + 0.5) * CELL
        said[picture, 0, row, column] = 30
        said[picture, 1:, row, column] = ((torch.cat((box.view(2, 2), points)) - middle) / CELL).flatten()
    return said


def test_a_perfect_answer_costs_nothing_and_every_fault_something(scene):
    perfect = answer(scene)
    there = (perfect[:, 0] > 0).nonzero()[0]
    missed, invented, shifted, further = (perfect.clone() for _ in range(4))
    missed[there[0], 0, there[1], there[2]] = -3
    invented[0, 0, 0, 0] = 3
    shifted[:, 1::2] += 0.5
    further[:, 1::2] += 1
    costs = [float(found_loss(said, scene)) for said in (perfect, shifted, further, missed, invented)]
    assert costs[0] < 1e-4
    assert 0.1 < costs[1] < costs[2]
    assert costs[3] > 3 * costs[4] > 3e-3  # of few cells with a face each counts more than one without


def test_lengths_count_where_faces_are_and_nowhere_else(scene):
    said = answer(scene)
    empty = (said[:, :1] < 0).expand(-1, VALUES, -1, -1).clone()
    empty[:, 0] = False
    said[empty] = 7.0
    assert float(found_loss(said, scene)) < 1e-4


def test_the_loss_and_the_reading_of_cells_speak_of_the_same_places(scene):
    scores, lengths = read_cells(answer(scene))
    for picture in range(len(scene.image)):
        there = scores[picture] > 0.5
        found = lengths[picture][there]
        found = found[found[:, 0].argsort()]
        expected = torch.cat((scene.boxes[picture], (scene.points[picture] + 0.5).flatten(1)), 1)[
            scene.present[picture]
        ]
        torch.testing.assert_close(found, expected[expected[:, 0].argsort()], atol=1e-3, rtol=0)


def test_worn_pictures_stay_in_range_and_are_a_function_of_their_row(scene):
    worn = wear(scene.image, Draws(1, tuple(range(8))))
    assert worn.min() >= 0
    assert worn.max() <= 1
    assert torch.equal(wear(scene.image[3:5], Draws(1, (3, 4))), worn[3:5])
    assert not torch.equal(wear(scene.image, Draws(2, tuple(range(8)))), worn)
    assert not torch.equal(wear(scene.image, Draws(1, tuple(range(8, 16)))), worn)


def test_some_pictures_are_blurred_and_all_a_little_noisy():
    checks = (torch.arange(64) % 2).float().expand(200, 3, 64, 64)
    worn = wear(checks, Draws(0, tuple(range(200))))
    inner = worn[..., 4:-4, 4:-4]
    contrast = (inner[..., 1::2].mean((1, 2, 3)) - inner[..., 0::2].mean((1, 2, 3))).sort().values
    assert 0.3 < (contrast < 0.9).float().mean() < 0.6
    noise = inner[..., 1::2].std(2).mean((1, 2))
    assert 0.005 < noise.mean() < 0.03


def test_everybody_is_cut_out_once_in_the_order_of_their_codes(scene, monkeypatch):
    monkeypatch.setattr(backbone, "wear", lambda pictures, draws: pictures)
    monkeypatch.setattr(backbone, "AMISS", 0.0)
    crops = cut_faces(scene, Draws(1, tuple(range(8))))
    assert len(crops) == len(scene.codes[scene.present]) > 8
    assert np.array_equal(crops, np.stack(scene.crops()))


def test_crops_are_a_little_amiss_and_a_function_of_their_row(scene):
    crops = cut_faces(scene, Draws(1, tuple(range(8))))
    assert (crops.shape[1:], crops.dtype) == ((224, 224, 3), np.uint8)
    first = int(scene.present[0].sum())
    one = WORLD.scenes([0], people=(1, 3))
    assert np.array_equal(cut_faces(one, Draws(1, (0,))), crops[:first])
    assert not np.array_equal(cut_faces(one, Draws(2, (0,))), crops[:first])
    away = np.abs(crops.astype(float) - np.stack(scene.crops())).mean((1, 2, 3))
    assert (away > 1).all()
    assert away.mean() < 30


def test_half_of_the_crops_are_portraits_and_each_comes_with_its_person():
    crops, codes = worn_crops(WORLD, Draws(1, (10, 11, 12, 13)))
    scene = WORLD.scenes((12, 13), people=backbone.PEOPLE)
    expected = torch.cat((WORLD.portraits((10, 11)).codes.flatten(0, 1), scene.codes[scene.present]))
    assert torch.equal(codes, expected)
    assert len(crops) == len(codes)


def test_the_judge_is_taught_what_is_true_of_everybody_who_is_there(scene):
    answers = person_answers(scene)
    people = list(zip(*scene.present.nonzero(as_tuple=True), strict=True))
    assert answers.keys() == PERSON.keys()
    for place, attribute in enumerate(ATTRIBUTES):
        assert answers[attribute.name].tolist() == [
            int(scene.codes[picture, person, place]) for picture, person in people
        ]
    for name in ("clothing", "accessory"):
        assert answers[name].tolist() == [int(getattr(scene.facts, name)[place]) for place in people]


def test_a_face_is_described_by_all_of_its_attributes():
    codes = [1, 4, 2, 0, 3, 2, 1]
    said = describe_face(codes)
    assert said.startswith(f"the face of a {NOUNS[1]}: ")
    for attribute, code in zip(ATTRIBUTES, codes, strict=True):
        assert f"{attribute.name} {attribute.values[code]}" in said
    for place, attribute in enumerate(ATTRIBUTES):
        other = list(codes)
        other[place] = (codes[place] + 1) % len(attribute.values)
        assert describe_face(other) != said


def test_pictures_and_texts_that_find_each_other_cost_nothing():
    pairs, sharpness = torch.eye(5), torch.tensor(50.0)
    assert float(contrastive_loss(3 * pairs, pairs, sharpness)) < 1e-6  # their lengths do not matter
    alike = float(contrastive_loss(torch.ones(5, 5), torch.ones(5, 5), sharpness))
    assert alike == pytest.approx(np.log(5), abs=1e-5)
    assert float(contrastive_loss(pairs, pairs.roll(1, 0), sharpness)) > 40


def test_pictures_look_for_texts_and_texts_for_pictures():
    """One text that fits two pictures: the pictures find it, and it cannot tell them apart."""
    pictures, texts = torch.eye(3)[[0, 0, 2]], torch.eye(3)
    one_way = contrastive_loss(pictures, texts, torch.tensor(20.0))
    assert float(one_way) == pytest.approx(float(contrastive_loss(texts, pictures, torch.tensor(20.0))))
    assert float(one_way) > 1


def test_whole_pictures_are_as_large_as_the_encoder_wants(scene):
    encoder = new_image_encoder()
    seen = whole(scene.image[:1])
    assert seen.shape == (1, 3, 224, 224)
    with torch.no_grad():
        assert encoder(pixel_values=seen).image_embeds.shape == (1, 64)
    grey = whole(torch.full((1, 3, 128, 128), 0.5))
    torch.testing.assert_close(
        grey[0, :, 100, 100],
        (0.5 - torch.tensor([0.48145466, 0.4578275, 0.40821073])) / torch.tensor([0.26862954, 0.26130258, 0.27577711]),
    )
