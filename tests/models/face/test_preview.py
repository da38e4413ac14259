import numpy as np
import pytest
import torch
from likeness.models.face.analysis import Selection, analyze
from likeness.models.face.given import GivenRegions
from likeness.models.face.preview import OTHER, OUTLIER, TAKEN, Mark, crops_tensor, preview_tensor
from likeness.models.face.types import FaceSet, OnNoFace, combine


def found(pictures, text, on_no_face: OnNoFace = "error", **selection):
    return analyze(pictures, GivenRegions(text), Selection(**selection), on_no_face)


def share(picture, colour, rows=slice(None), columns=slice(None)):
    distance = (picture[rows, columns] * 255 - torch.tensor(colour)).abs().amax(dim=-1)
    return (distance < 12).float().mean().item()


def test_taken_and_other_faces_have_their_colours_and_places(squares):
    faces = found([squares(600, 800)], "100 100 300 300\n500 100 700 300", order="left to right", number=2)
    preview = preview_tensor(faces)
    assert preview.shape == (1, 600, 800, 3)
    assert share(preview[0], TAKEN, columns=slice(0, 400)) == 0
    assert share(preview[0], TAKEN, columns=slice(400, 800)) > 0.01
    assert share(preview[0], OTHER, columns=slice(0, 400)) > 0.005
    assert share(preview[0], OTHER, columns=slice(400, 800)) == 0
    edge = (preview[0, 200, 500] * 255).round()
    assert (edge - torch.tensor(TAKEN)).abs().max() <= 2


def test_outliers_are_red_and_what_is_said_of_a_face_stands_behind_its_number(squares):
    faces = found([squares(600, 800)], "100 100 300 300\n500 100 700 300", order="left to right", take="all")
    left, right = slice(0, 400), slice(400, 800)
    plain = preview_tensor(faces)[0]
    marked = preview_tensor(faces, [Mark(faces.faces[0], "0.08", is_outlier=True), Mark(faces.faces[1], "1.00")])[0]
    assert share(plain, OUTLIER) == 0
    assert share(marked, OUTLIER, columns=left) > 0.01
    assert share(marked, TAKEN, columns=left) == 0
    assert share(marked, TAKEN, columns=right) > share(plain, TAKEN, columns=right), "the label is longer"
    assert share(marked, OUTLIER, columns=right) == 0


def test_the_number_follows_the_order(squares):
    text = "100 100 300 300\n500 100 700 300"
    left, right = (
        preview_tensor(found([squares(600, 800)], text, order=order, take="all"))[0]
        for order in ("left to right", "right to left")
    )
    tag = (slice(40, 100), slice(95, 160))
    assert not torch.equal(left[tag], right[tag])
    assert torch.equal(left[320:], right[320:])


@pytest.mark.parametrize(
    ("size", "expected"),
    [((64, 96), (341, 512)), ((4000, 3000), (1024, 768)), ((700, 600), (700, 600)), ((1, 2000), (1, 1024))],
)
def test_previews_are_neither_tiny_nor_huge(size, expected, squares):
    faces = found([squares(*size)], "0 0 30 30")
    assert preview_tensor(faces).shape == (1, *expected, 3)


def test_a_batch_stays_a_batch(squares):
    faces = found([squares(600, 600)] * 3, "image 2\n100 100 300 300", "skip photo")
    preview = preview_tensor(faces)
    assert preview.shape == (3, 600, 600, 3)
    assert share(preview[1], TAKEN) > 0
    assert share(preview[0], TAKEN) == 0
    assert not torch.equal(preview[0], torch.full_like(preview[0], 90 / 255)), "it says that there is no face"


def test_pictures_of_several_sizes_become_one_sheet(squares):
    first = found([squares(600, 600)], "100 100 300 300")
    second = found([squares(300, 700)] * 2, "10 10 100 100\nimage 2\n10 10 100 100")
    sheet = preview_tensor(combine(first, second))
    assert sheet.shape[0] == 1
    half_height, half_width = sheet.shape[1] // 2, sheet.shape[2] // 2
    quarters = [(slice(0, half_height), slice(0, half_width)), (slice(0, half_height), slice(half_width, None))]
    quarters += [(slice(half_height, None), slice(0, half_width))]
    assert all(share(sheet[0], TAKEN, *quarter) > 0 for quarter in quarters)
    assert share(sheet[0], TAKEN, slice(half_height, None), slice(half_width, None)) == 0


def test_the_pictures_are_not_drawn_into(squares):
    picture = squares(600, 600)
    preview_tensor(found([picture], "100 100 300 300"))
    assert np.array_equal(picture, squares(600, 600))


def test_crops_are_a_batch_and_never_empty(squares):
    faces = found([squares(600, 600, background=(255, 0, 0))] * 2, "100 100 300 300\nimage 2\n100 100 300 300")
    crops = crops_tensor(faces)
    assert crops.shape == (2, 224, 224, 3)
    assert crops[0, 100, 100].tolist() == [1, 0, 0]
    nobody = crops_tensor(FaceSet((), (squares(9, 9),), "go on"))
    assert nobody.shape == (1, 224, 224, 3)
    assert nobody.max() == 0
