"""What the image encoder learns from: faces in words, whole pictures, and how badly the two find each other."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from dataclasses import replace

import numpy as np
from likeness.miniature.recipe.steps.image_encoder import (
    contrastive_loss,
    describe_face,
    new_image_encoder,
    train_image_encoder,
    whole,
)
from likeness.miniature.world.people.identity import ATTRIBUTES, NOUNS
from likeness.miniature.world.world import World
from likeness.tests.miniature.small_recipe import FEW_STEPS

WORLD = World(seed=4)


@pytest.fixture(scope="module")
def scene():
    return WORLD.scenes(range(8), people=(1, 3))


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


def test_a_seed_decides_what_the_image_encoder_becomes_whatever_was_drawn_before(tmp_path):
    trained = []
    for number, seed in enumerate((2, 2, 3)):
        torch.manual_seed(5)
        encoder = new_image_encoder()
        torch.manual_seed(number)
        train_image_encoder(encoder, replace(FEW_STEPS, seed=seed, batch=4), tmp_path / str(number))
        trained.append(encoder.state_dict())
    first, same, other = trained
    key = "visual_projection.weight"
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not torch.equal(first[key], other[key])
