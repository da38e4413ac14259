from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.models.errors import BadImageError, InvalidSettingError
from likeness.models.face.alignment import align, similarity_matrix, template
from safetensors.numpy import load_file

CASE = Path(__file__).parents[2] / "parity" / "uniportrait" / "face_align_224.safetensors"


@pytest.mark.parametrize("variant", ["big", "edge", "tilted"])
def test_matches_the_reference(variant):
    case = load_file(CASE)
    points = case[f"{variant}.in.kps"]
    np.testing.assert_allclose(similarity_matrix(points, 224), case[f"{variant}.out.matrix"], atol=1e-4, rtol=0)
    crop = align(case["in.image_bgr_uint8"], points, 224)
    difference = np.abs(crop.astype(int) - case[f"{variant}.out.crop_bgr_uint8"].astype(int))
    assert difference.max() <= 1


@given(
    angle=st.floats(-np.pi, np.pi),
    scale=st.floats(0.05, 40),
    shift=st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)),
    size=st.integers(32, 512),
)
def test_undoes_any_similarity(angle, scale, shift, size):
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = template(112) @ rotation.T + shift
    matrix = similarity_matrix(points, size)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], template(size), atol=1e-5 * size)


@given(noise=st.lists(st.floats(-8, 8), min_size=10, max_size=10))
def test_is_the_least_squares_similarity(noise):
    points = template(224) + np.array(noise).reshape(5, 2)
    matrix = similarity_matrix(points, 224)

    def error(candidate):
        return np.square(points @ candidate[:, :2].T + candidate[:, 2] - template(224)).sum()

    assert matrix[0, 0] == pytest.approx(matrix[1, 1])
    assert matrix[0, 1] == pytest.approx(-matrix[1, 0])
    generator = np.random.default_rng(0)
    for a, b, x, y in generator.normal(0, 0.01, (20, 4)):
        nudged = matrix + np.array([[a, -b, x], [b, a, y]])
        assert error(nudged) >= error(matrix) - 1e-9


def test_mirrored_points_are_rotated_not_mirrored():
    points = template(224) * [-1, 1]
    assert np.linalg.det(similarity_matrix(points, 224)[:, :2]) > 0


def test_points_on_the_template_give_the_picture_itself():
    image = np.random.default_rng(1).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    assert np.array_equal(align(image, template(224), 224), image)


def test_outside_the_picture_is_black():
    image = np.full((40, 40, 3), 255, np.uint8)
    crop = align(image, template(40) + np.array([400, 0]), 224)
    assert not crop.any()


def test_the_channel_order_is_kept():
    image = np.zeros((224, 224, 3), np.uint8)
    image[..., 0] = 200
    assert align(image, template(224), 224)[100, 100].tolist() == [200, 0, 0]


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((5, 2)), "coincide"),
        (np.zeros((4, 2)), r"five finite points.*\(4, 2\)"),
        (np.full((5, 2), np.nan), "NaN"),
    ],
)
def test_bad_points_are_named(points, message):
    with pytest.raises(InvalidSettingError, match=message):
        similarity_matrix(points, 224)


@pytest.mark.parametrize("image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3))])
def test_bad_pictures_are_named(image):
    with pytest.raises(BadImageError, match="uint8 picture"):
        align(image, template(8), 224)
