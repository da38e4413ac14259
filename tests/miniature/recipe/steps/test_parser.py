"""What the face parser learns from: exact labels of drawn faces, cut out with their pixels; and that a seed decides it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.recipe import Recipe
from likeness.miniature.recipe.steps import parser as step
from likeness.miniature.recipe.steps.parser import WEIGHTS, label_maps, train_parser
from likeness.miniature.recipe.train_config import TrainConfig
from likeness.miniature.world.regions import Region
from likeness.miniature.world.world import World
from likeness.models.errors import InvalidSettingError
from likeness.models.face.parsing import LABELS, PARSING_MEAN, PARSING_STD
from likeness.models.face.region_masks import TRUE_NAMES
from likeness.models.miniature.parser import SIDE, MiniatureParser
from likeness.tests.miniature.small_recipe import small_settings
from likeness.training.batches.draws import Draws
from torch.nn import functional

WORLD = World(seed=4, with_regions=True)
PICTURES = 8
FEW_STEPS = TrainConfig(seed=2, steps=2, batch=2, learning_rate=1e-3, warmup=1)
NAMES = {
    Region.OTHER: "clothes",
    Region.SKIN: "skin",
    Region.LEFT_BROW: "left_eyebrow",
    Region.RIGHT_BROW: "right_eyebrow",
    Region.LEFT_EYE: "left_eye",
    Region.RIGHT_EYE: "right_eye",
    Region.GLASSES: "eyeglasses",
    Region.LEFT_EAR: "left_ear",
    Region.RIGHT_EAR: "right_ear",
    Region.NOSE: "nose",
    Region.MOUTH: "mouth",
    Region.UPPER_LIP: "upper_lip",
    Region.LOWER_LIP: "lower_lip",
    Region.NECK: "neck",
    Region.HAIR: "hair",
    Region.HAT: "hat",
}


@pytest.fixture(scope="module", params=["portraits", "one person", "two people"])
def scene(request):
    if request.param == "portraits":
        return WORLD.portraits(range(PICTURES))
    people = 2 if request.param == "two people" else 1
    return WORLD.scenes(range(PICTURES), people=(people, people))


def new_parser():
    torch.manual_seed(3)
    return MiniatureParser()


def normalised(pictures):
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (PARSING_MEAN, PARSING_STD))
    return (pictures - mean) / std


def error_of(parser, scene):
    """Mean cross-entropy of whole pictures."""
    with torch.no_grad():
        [scores] = parser(normalised(scene.image))
        return float(functional.cross_entropy(scores, label_maps(scene)))


def test_a_pixel_that_shows_mostly_one_region_has_its_label(scene):
    labels, seen = label_maps(scene), set()
    assert (labels.shape, labels.dtype) == ((PICTURES, 128, 128), torch.int64)
    for region, name in NAMES.items():
        mostly = (scene.regions[:, :, region] > 0.5).any(1)
        seen |= {name} if mostly.any() else set()
        assert (labels[mostly] == TRUE_NAMES.index(name)).all(), name
    assert seen >= {"clothes", "skin", "left_eyebrow", "left_eye", "right_eye", "nose", "neck", "hair"}


def test_where_nobody_is_there_is_background(scene):
    labels = label_maps(scene)
    nobody = scene.instances.sum(1) < 0.5
    assert 0.05 < nobody.float().mean() < 0.95
    assert (labels[nobody] == TRUE_NAMES.index("background")).all()
    assert (labels[scene.instances.amax(1) > 0.5] != TRUE_NAMES.index("background")).all()


def test_a_person_without_a_region_is_dressed(scene):
    labels = label_maps(scene)
    dressed = labels == TRUE_NAMES.index("clothes")
    assert dressed.flatten(1).any(1).all()
    assert (scene.regions[:, :, Region.SKIN :].amax((1, 2))[dressed] <= 0.5).all()
    bare = (scene.instances > 0.5) & (scene.regions[:, :, Region.SKIN :].sum(2) < 1e-6)
    assert dressed[bare.any(1)].all()


def test_both_of_two_people_have_all_their_parts():
    scene = WORLD.scenes(range(PICTURES), people=(2, 2))
    labels = label_maps(scene)
    for name in ("skin", "nose", "left_eye", "right_eye", "clothes"):
        shown = (labels == TRUE_NAMES.index(name))[:, None] & (scene.instances > 0.5)
        assert (shown.flatten(2).sum(-1) > 0).all(), name


def test_pictures_without_regions_have_no_labels():
    with pytest.raises(InvalidSettingError, match="no regions"):
        label_maps(World(seed=4).scenes([0]))


def test_small_regions_weigh_more():
    assert len(WEIGHTS) == len(LABELS)
    weight = dict(zip(TRUE_NAMES, WEIGHTS.tolist(), strict=True))
    assert {weight[name] for name in ("background", "skin", "hair", "neck", "clothes", "hat")} == {1.0}
    assert {weight[name] for name in ("left_eye", "right_ear", "nose", "mouth", "eyeglasses", "upper_lip")} == {4.0}


def test_pixels_and_labels_are_cut_out_together():
    scene = WORLD.scenes(range(PICTURES))
    labels = label_maps(scene)
    painted = labels[:, None].float().expand(-1, 3, -1, -1) / 18
    pixels, found = step._surroundings(painted, labels, scene.boxes[:, 0], Draws(1, tuple(range(PICTURES))))
    assert pixels.shape == (PICTURES, 3, SIDE, SIDE)
    assert (found.shape, found.dtype) == ((PICTURES, SIDE, SIDE), torch.int64)
    same = (pixels[:, 0] * 18 - found).abs() < 1e-3
    assert same.float().mean() > 0.85  # all but the edges
    for number in range(PICTURES):
        assert TRUE_NAMES.index("nose") in found[number]


def test_faces_are_cut_out_with_as_much_around_them_as_the_numbers_say():
    boxes = torch.tensor([[94.0, 20.0, 114.0, 44.0]]).expand(64, -1)
    inside = torch.zeros(64, 128, 128, dtype=torch.int64)
    inside[:, 20:44, 94:114] = 1
    _, found = step._surroundings(torch.zeros(64, 3, 128, 128), inside, boxes, Draws(1, tuple(range(64))))
    shares = found.float().mean((1, 2))
    whole = 20 * 24 / 24**2  # of a square just around the box
    assert shares.min() > 0.9 * whole / 4.0**2
    assert shares.max() < 1.1 * whole / 1.5**2
    assert shares.max() > 3 * shares.min()
    [alone] = step._surroundings(torch.zeros(1, 3, 128, 128), inside[:1], boxes[:1], Draws(1, (9,)))[1]
    assert torch.equal(alone, found[9])


def test_half_of_a_step_are_portraits(tmp_path, monkeypatch):
    seen = []

    def note(pictures, labels, boxes, draws):
        seen.append((draws.positions, boxes))
        return cut(pictures, labels, boxes, draws)

    cut = step._surroundings
    monkeypatch.setattr(step, "_surroundings", note)
    train_parser(new_parser(), replace(FEW_STEPS, steps=1, batch=6, warmup=0), tmp_path)
    world, even, odd = World(seed=FEW_STEPS.seed), (0, 2, 4), (1, 3, 5)
    assert [rows for rows, _ in seen] == [even, odd]
    expected = (world.portraits(even).boxes[:, 0], world.scenes(odd).boxes[:, 0])
    assert all(torch.equal(boxes, other) for (_, boxes), other in zip(seen, expected, strict=True))


def test_a_seed_decides_what_the_parser_becomes(tmp_path):
    networks = [new_parser() for _ in range(3)]
    for number, (network, config) in enumerate(
        zip(networks, (FEW_STEPS, FEW_STEPS, replace(FEW_STEPS, seed=3)), strict=True)
    ):
        train_parser(network, config, tmp_path / str(number))
    first, same, other = (network.state_dict() for network in networks)
    untrained = new_parser().state_dict()
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first)
    assert not any(torch.equal(first[key], untrained[key]) for key in first)


def test_some_steps_teach_it_something(tmp_path):
    parser, scene = new_parser(), World(seed=77, with_regions=True).portraits(range(4))
    before = error_of(parser, scene)
    train_parser(parser, TrainConfig(seed=2, steps=16, batch=4, learning_rate=1e-2, warmup=2, decay=0.0), tmp_path)
    assert error_of(parser, scene) < 0.8 * before


def test_the_recipe_gives_a_face_parser_and_trains_it_once(tmp_path):
    settings = small_settings(FEW_STEPS)
    parser = Recipe(tmp_path, settings).parser()
    picture = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    labels = parser.parse(picture, 512)
    assert labels.shape == (512, 512)
    assert labels.max() < len(LABELS)
    assert not any(weight.requires_grad for weight in parser.parameters())
    shutil.rmtree(tmp_path / "parser")  # its checkpoints
    again = Recipe(tmp_path, settings).parser().state_dict()
    assert all(torch.equal(weight, again[key]) for key, weight in parser.state_dict().items())
    assert not (tmp_path / "parser").exists()
