import json

import numpy as np
import pytest
from likeness.tools.portraits import Portrait, astronaut, drawing, write_all
from PIL import Image


@pytest.fixture(scope="module", params=["astronaut", 1, 4], ids=str)
def portrait(request) -> Portrait:
    return astronaut() if request.param == "astronaut" else drawing(request.param)


def test_the_five_points_are_a_face_in_the_picture(portrait):
    (left, right, nose, mouth_left, mouth_right) = portrait.points
    width, height = portrait.picture.size
    assert all(0 < x < width and 0 < y < height for x, y in portrait.points)
    assert left[0] < nose[0] < right[0]
    assert mouth_left[0] < nose[0] < mouth_right[0]
    assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


def test_eyes_are_darker_than_the_skin_beside_the_nose(portrait):
    grey = np.asarray(portrait.picture.convert("L"), dtype=float)
    nose = portrait.points[2]
    for x, y in portrait.points[:2]:
        eye = grey[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4].mean()
        cheek = grey[round(nose[1]) - 2 : round(nose[1]) + 3, round(x) - 2 : round(x) + 3].mean()
        assert eye < cheek


def test_the_region_text_has_ten_numbers(portrait):
    numbers = [float(part) for part in portrait.region.split()]
    assert numbers == [value for point in portrait.points for value in point]


def test_the_same_seed_gives_the_same_drawing_and_another_seed_another():
    first, again, other = drawing(7), drawing(7), drawing(8)
    assert first.picture.tobytes() == again.picture.tobytes()
    assert first.points == again.points
    assert first.picture.tobytes() != other.picture.tobytes()


def test_points_lie_beside_each_picture(tmp_path):
    files = write_all(tmp_path, drawings=1)
    assert [file.name for file in files] == ["astronaut.png", "drawing-1.png"]
    for file in files:
        record = json.loads(file.with_suffix(".json").read_text())
        assert len(record["points"]) == 5
        assert record["source"]
        assert Image.open(file).size == (512, 512)
