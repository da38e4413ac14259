from __future__ import annotations

import math

import pytest
import torch
from likeness.miniature.world.people.appearance import GAIN, GAZE, LIFT, SLOPE, SMILE, TURN, WARMTH
from likeness.miniature.world.people.identity import codes_of, identities, numbers_of
from likeness.miniature.world.world import World
from likeness.models.errors import InvalidSettingError

TENSORS = ("image", "faces", "instances", "regions", "boxes", "person_boxes", "points", "codes")
RANGES = {  # what a portrait must not take over from the scene, and how far it can vary in all
    "pose": {
        "turn": 2 * math.radians(TURN),
        "smile": SMILE[1] - SMILE[0],
        "lift": 2 * LIFT,
        "gaze_x": 2 * GAZE[0],
        "gaze_y": 2 * GAZE[1],
    },
    "light": {"gain": GAIN[1] - GAIN[0], "warmth": 2 * WARMTH, "slope": 2 * SLOPE},
}


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def threads(request):
    torch.set_num_threads(request.param)


@pytest.mark.usefixtures("threads")
def test_a_scene_is_the_same_alone_as_among_others_in_another_order():
    world = World(seed=4, with_regions=True)
    together = world.scenes(range(37), people=(1, 4))
    for index in (0, 17, 36):
        for batch in ([index], [50, 3, index]):
            scene = world.scenes(batch, people=(1, 4))
            for name in TENSORS:
                assert torch.equal(getattr(scene, name)[-1], getattr(together, name)[index]), name
            assert scene.captions[-1] == together.captions[index]


def test_a_portrait_is_the_same_alone_as_among_others():
    world = World(seed=4)
    together, alone = world.portraits(range(9), people=3), world.portraits([5], people=3)
    assert torch.equal(alone.image, together.image[15:18])


def test_other_seeds_numbers_and_takes_give_other_pictures():
    world = World(seed=4)
    scenes = (world.scenes([0]), world.scenes([1]), World(seed=5).scenes([0]))
    portraits = (world.portraits([0]), world.portraits([0], take=1), world.portraits([1]))
    pictures = [scene.image for scene in scenes + portraits]
    for number, picture in enumerate(pictures):
        assert all((picture - other).abs().mean() > 0.02 for other in pictures[:number])


def test_portraits_show_the_people_of_the_scene():
    world = World(seed=4)
    scene = world.scenes(range(20), people=(1, 3))
    portraits = world.portraits(range(20), people=3).codes.reshape(20, 3, -1)
    assert torch.equal(portraits[scene.present], scene.codes[scene.present])
    assert len(set(numbers_of(scene.codes[scene.present]).tolist())) > 0.9 * scene.present.sum()


def test_a_portrait_repeats_neither_pose_nor_expression_nor_light_of_the_scene():
    world = World(seed=4)
    scene, portraits = world.scenes(range(64), people=(2, 2)), world.portraits(range(64), people=2)
    for part, names in RANGES.items():
        for name, extent in names.items():
            here, there = getattr(getattr(scene.plan, part), name), getattr(getattr(portraits.plan, part), name)
            difference = (here.reshape(64, -1) - there.reshape(64, 2)).abs()
            assert difference.min() > 0.249 * extent, name
            assert difference.max() > 0.6 * extent, name
    alone = world.scenes(range(64)).plan.pose, world.portraits(range(64)).plan.pose
    assert (alone[1].scale / alone[0].scale).min() > 1.04


def test_every_number_of_people_asked_for_occurs():
    counts = World(seed=4).scenes(range(64), people=(2, 4)).present.sum(1)
    assert sorted(set(counts.tolist())) == [2, 3, 4]


def test_nothing_is_said_of_those_who_are_not_there():
    scene = World(seed=4, with_regions=True).scenes(range(16), people=(1, 3))
    absent = ~scene.present
    assert absent.any()
    for name in ("faces", "instances", "regions", "boxes", "person_boxes", "points"):
        assert not getattr(scene, name)[absent].any(), name
    assert [len(caption.nouns) for caption in scene.captions] == scene.present.sum(1).tolist()


def test_the_held_out_world_has_only_held_out_people():
    held_out = set(identities("held out").tolist())
    people = numbers_of(World(seed=4, split="held out").scenes(range(100), people=(2, 2)).codes)
    assert held_out.issuperset(people.flatten().tolist())


def test_people_can_be_chosen():
    codes = codes_of(torch.tensor([[7, 30_000], [500, 7]]))
    world = World(seed=4)
    assert torch.equal(world.scenes([0, 1], people=(2, 2), codes=codes).codes, codes)
    assert torch.equal(world.portraits([0, 1], people=2, codes=codes).codes[:, 0], codes.flatten(0, 1))


def test_size_is_resolution_alone():
    small, large = (World(seed=4, size=size).scenes(range(8), people=(1, 4)) for size in (128, 256))
    averaged = torch.nn.functional.avg_pool2d(large.image, 2)
    assert (averaged - small.image).abs().mean() < 0.01
    assert torch.allclose(large.points[large.present] + 0.5, (small.points[small.present] + 0.5) * 2, atol=1e-3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: World(seed=0, size=100), "multiple of 8"),
        (lambda: World(seed=0, split="test"), "held out"),
        (lambda: World(seed=0).scenes([0], people=(1, 5)), "from 1 to 4"),
        (lambda: World(seed=0).scenes([0], people=(3, 2)), "from 1 to 4"),
        (lambda: World(seed=0).portraits([0], people=0), "from 1 to 4"),
        (lambda: World(seed=0).scenes([0], codes=torch.zeros(1, 2, 7, dtype=torch.int64)), r"give \(1, 1, 7\)"),
        (lambda: World(seed=0).scenes([0], codes=torch.full((1, 1, 7), 6)), "no attribute has"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, said):
    with pytest.raises(InvalidSettingError, match=said):
        call()
