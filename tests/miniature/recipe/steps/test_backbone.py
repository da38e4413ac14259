"""What the face backbone learns from: crops a little beside, of portraits and scenes, with whose they are."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from dataclasses import replace

import numpy as np
from likeness.miniature.recipe.steps import backbone
from likeness.miniature.recipe.steps.backbone import augmented_crops, cut_faces, train_backbone
from likeness.miniature.world.world import World
from likeness.models.face.iresnet import IResNet
from likeness.tests.miniature.small_recipe import FEW_STEPS
from likeness.training.batches.draws import Draws

WORLD = World(seed=4)


@pytest.fixture(scope="module")
def scene():
    return WORLD.scenes(range(8), people=(1, 3))


def test_everybody_is_cut_out_once_in_the_order_of_their_codes(scene):
    crops, true = (
        each[:, ::8, ::8].astype(float)
        for each in (cut_faces(scene, Draws(1, tuple(range(8)))), np.stack(scene.crops()))
    )
    assert len(crops) == len(scene.codes[scene.present]) == len(true) > 8
    away = np.abs(crops[:, None] - true).mean((2, 3, 4))
    assert away.argmin(1).tolist() == list(range(len(crops)))


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
    crops, codes = augmented_crops(WORLD, Draws(1, (10, 11, 12, 13)))
    scene = WORLD.scenes((12, 13), people=backbone.PEOPLE)
    expected = torch.cat((WORLD.portraits((10, 11)).codes.flatten(0, 1), scene.codes[scene.present]))
    assert torch.equal(codes, expected)
    assert len(crops) == len(codes)


def test_a_seed_decides_what_the_backbone_becomes_whatever_was_drawn_before(tmp_path):
    trained = []
    for number, seed in enumerate((2, 2, 3)):
        torch.manual_seed(5)
        backbone = IResNet(8, [(8, 1), (8, 1), (8, 1), (16, 1)])  # oneDNN for AVX2 writes beyond narrower gradients
        torch.manual_seed(number)
        train_backbone(backbone, replace(FEW_STEPS, seed=seed), tmp_path / str(number))
        trained.append(backbone.state_dict())
    first, same, other = trained
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
