import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.models.errors import InvalidSettingError
from likeness.models.face.alignment import align, similarity_matrix, template
from likeness.models.face.given import MOST_FACES, MOST_LINES, face_crop, parse_region

SIZES = [(400, 600), (300, 300)]
POINTS = "170 182  243 186  208 231  180 262  236 264"


def test_ten_numbers_are_points_and_the_box_surrounds_them():
    (face,), _ = parse_region(POINTS, SIZES)
    assert face.points.tolist()[0] == [170, 182]
    assert face.score == 1
    x0, y0, x1, y1 = face.box
    assert (face.points[:, 0] > x0).all()
    assert (face.points[:, 0] < x1).all()
    assert (face.points[:, 1] > y0).all()
    assert (face.points[:, 1] < y1).all()
    assert x1 - x0 == pytest.approx(y1 - y0)


@given(x=st.floats(-300, 300), y=st.floats(-300, 300), side=st.floats(20, 900))
def test_points_of_the_template_give_the_templates_square(x, y, side):
    text = " ".join(f"{value:.6f}" for value in (template(1) * side + np.array([x, y])).reshape(-1))
    (face,) = parse_region(text, [(2000, 2000)])[0] if x + side > 1 and y + side > 1 else (None,)
    if face is not None:
        np.testing.assert_allclose(face.box, [x, y, x + side, y + side], atol=0.05)


def test_four_numbers_are_a_box_and_the_points_fit_the_template():
    (face,), _ = parse_region("100, 50, 180, 150", SIZES)
    assert face.box.tolist() == [100, 50, 180, 150]
    matrix = similarity_matrix(face.points, 100)
    np.testing.assert_allclose(matrix, [[1, 0, -90], [0, 1, -50]], atol=1e-3)


def test_sections_and_separators():
    text = f"\n{POINTS}\n\nimage 2\n10;10;50;50\nIMAGE 1:\n 1 2 30 40\nimage 2\n20 20 60 60"
    first, second = parse_region(text, SIZES)
    assert [face.box.tolist() for face in second] == [[10, 10, 50, 50], [20, 20, 60, 60]]
    assert len(first) == 2
    assert first[1].box.tolist() == [1, 2, 30, 40]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'region is empty, but detector "given region" needs it'),
        ("image 2\n", "region is empty"),
        ("1 2 3", "Line 1 of region has 3 numbers; write 10"),
        ("\n1 2 3 x", 'Line 2 of region is "1 2 3 x", which is neither numbers'),
        ("nan 1 2 3", "neither numbers"),
        ("image 3\n1 2 3 4", 'Line 1 of region says "image 3", but there are 2 images'),
        ("image 0", "count them from 1"),
        ("10 10 10 40", "Line 1 of region is the box 10 10 10 40, which is empty"),
        ("700 10 800 40", "Line 1 of region lies outside its picture of 600×400 pixels"),
        ("image 2\n310 10 380 40", "Line 2 of region lies outside its picture of 300×300"),
        ("5 5 " * 5, "Line 1 of region: The five points of a face coincide"),
    ],
)
def test_bad_text_names_its_line(text, message):
    with pytest.raises(InvalidSettingError, match=message):
        parse_region(text, SIZES)


def test_a_square_face_crop_is_aligned_to_itself():
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    face = face_crop((224, 224))
    assert np.abs(align(image, face.points).astype(int) - image).max() <= 1
    assert face.box.tolist() == [0, 0, 224, 224]


def test_a_face_crop_that_is_not_square_keeps_its_middle():
    face = face_crop((100, 140))
    np.testing.assert_allclose(face.points, template(100) + np.array([20, 0]), atol=1e-4)


def test_there_are_not_more_lines_than_anybody_writes():
    assert len(parse_region("\n" * (MOST_LINES - 1) + POINTS, SIZES)[0]) == 1
    with pytest.raises(InvalidSettingError, match="region has 4,097 lines"):
        parse_region("\n" * MOST_LINES + POINTS, SIZES)


def test_there_are_not_more_faces_of_a_picture_than_anybody_needs():
    boxes = "0 0 10 10\n" * MOST_FACES
    faces = parse_region(f"{boxes}image 2\n{boxes}", SIZES)
    assert [len(found) for found in faces] == [MOST_FACES, MOST_FACES]
    with pytest.raises(InvalidSettingError, match="Line 257 of region is face 257 of image 1"):
        parse_region(f"{boxes}0 0 10 10", SIZES)


@pytest.mark.parametrize("number", ["9" * 5000, "3", "0", "000000000000001"])
def test_a_picture_that_is_not_there_is_refused_whatever_its_number(number):
    with pytest.raises(InvalidSettingError, match="there are 2 images"):
        parse_region(f"image {number}\n{POINTS}", SIZES)


@pytest.mark.parametrize("text", ["1 " * 100_000, "x" * 100_000, "1" * 100_000, "nan " * 4, "1e999 0 0 0", "\ud800"])
def test_what_is_no_face_is_one_short_sentence(text):
    with pytest.raises(InvalidSettingError, match="Line 1 of region") as caught:
        parse_region(text, SIZES)
    assert len(str(caught.value)) <= 300
