from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.miniature.world.people.identity import HAIR
from likeness.miniature.world.regions import Region
from likeness.miniature.world.world import World
from likeness.models.face.alignment import align, similarity_matrix, template

SIZE = 224
SIDE = 128
PORTRAITS = World(seed=3, with_regions=True).portraits(range(32))
POINTS = PORTRAITS.points[:, 0]


def middle(mask) -> torch.Tensor:
    """The middle of masks (…, H, W), x and y with the middle of the first pixel at 0."""
    mask = torch.as_tensor(mask, dtype=torch.float64)
    columns, rows = torch.arange(mask.shape[-1]).double(), torch.arange(mask.shape[-2]).double()
    total = mask.sum((-2, -1))
    return torch.stack(((mask.sum(-2) * columns).sum(-1) / total, (mask.sum(-1) * rows).sum(-1) / total), -1)


def test_points_lie_on_eyes_and_nose_left_before_right():
    for point, region, off in ((0, Region.LEFT_EYE, 1.0), (1, Region.RIGHT_EYE, 1.0), (2, Region.NOSE, 0.1)):
        assert (middle(PORTRAITS.regions[:, 0, region]) - POINTS[:, point]).abs().max() < off


@pytest.mark.parametrize(
    ("region", "place", "off"),
    [
        (Region.SKIN, (0.03, 0.16), (0.03, 0.06)),
        (Region.LEFT_BROW, (-0.32, -0.35), (0.04, 0.07)),
        (Region.RIGHT_BROW, (0.32, -0.35), (0.04, 0.07)),
        (Region.LEFT_EYE, (-0.32, -0.135), (0.01, 0.01)),
        (Region.RIGHT_EYE, (0.32, -0.135), (0.01, 0.01)),
        (Region.GLASSES, (0, -0.12), (0.01, 0.01)),
        (Region.LEFT_EAR, (-0.86, 0.075), (0.1, 0.03)),
        (Region.RIGHT_EAR, (0.86, 0.075), (0.1, 0.03)),
        (Region.NOSE, (0, 0.245), (0.005, 0.005)),
        (Region.MOUTH, (0, 0.67), (0.02, 0.06)),
        (Region.UPPER_LIP, (0, 0.61), (0.03, 0.1)),
        (Region.LOWER_LIP, (0, 0.74), (0.02, 0.08)),
        (Region.NECK, (0, 1.19), (0.12, 0.06)),
        (Region.HAIR, (-0.08, -0.74), (0.05, 0.06)),
        (Region.HAT, (0, -0.77), (0.02, 0.02)),
    ],
)
def test_a_region_lies_where_faces_have_it(region, place, off):
    codes = PORTRAITS.codes.clone()
    codes[..., HAIR] = 0  # short, so that ears and brows are seen
    scene = World(seed=3, with_regions=True).portraits(range(len(codes)), codes=codes)
    pose, mask = scene.plan.pose, scene.regions[:, 0, region]
    x, y = ((middle(mask) + 0.5) / SIDE - torch.stack((pose.x, pose.y), -1)[:, 0]).div(pose.scale).unbind(-1)
    cos, sin = pose.turn[:, 0].cos(), pose.turn[:, 0].sin()
    seen = mask.sum((-2, -1)) > 5
    assert seen.sum() > 3
    assert ((x * cos + y * sin - place[0]).abs()[seen] < off[0]).all()
    assert ((y * cos - x * sin - place[1]).abs()[seen] < off[1]).all()


def test_the_corners_of_the_mouth_are_where_the_lips_end():
    lips = PORTRAITS.regions[:, 0, [Region.MOUTH, Region.UPPER_LIP, Region.LOWER_LIP]].sum(1) > 0.3
    for mask, (left, right) in zip(lips, POINTS[:, 3:], strict=True):
        columns = mask.any(0).nonzero()[:, 0]
        assert abs(columns.min() - left[0]) < 3
        assert abs(columns.max() - right[0]) < 3


def test_aligned_eyes_lie_on_the_template():
    for points, masks in zip(POINTS.double().numpy(), PORTRAITS.regions[:, 0], strict=True):
        matrix = similarity_matrix(points, SIZE)
        aligned = points @ matrix[:, :2].T + matrix[:, 2]
        assert np.abs(aligned - template(SIZE))[:3].max() < 3
        for eye in (0, 1):
            mask = masks[Region.LEFT_EYE + eye].mul(255).byte().numpy()[..., None].repeat(3, 2)
            seen = middle(align(mask, points, SIZE)[..., 0])
            assert np.abs(seen.numpy() - template(SIZE)[eye]).max() < 5


def test_crops_are_those_of_the_people_there_are():
    scene = World(seed=3).scenes(range(6), people=(1, 3))
    crops = scene.crops()
    assert len(crops) == scene.present.sum()
    expected = align(scene.arrays()[1], scene.points[1, 0].double().numpy(), SIZE)
    assert np.array_equal(crops[int(scene.present[0].sum())], expected)
