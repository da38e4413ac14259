"""Boxes and landmarks of the core's nodes as masks."""

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.placement.boxes import masks_of_boxes, masks_of_landmarks, size_of_boxes
from likeness.tests.models.placement.small_boxes import box

SIZE = (64, 128)
LEFT, RIGHT = box(0, 0, 32, 64, label="person", score=0.7), box(96, 0, 32, 64, score=0.9)


@pytest.mark.parametrize(
    ("given", "pictures", "found"),
    [
        (LEFT, 1, (True, False)),
        ([RIGHT, LEFT], 1, (True, True)),
        ([[RIGHT, LEFT], [LEFT], []], 3, (True, True)),
        ([], 1, (False, False)),
        ([[], []], 2, (False, False)),
    ],
)
def test_all_forms_are_taken(given, pictures, found):
    masks = masks_of_boxes(given, SIZE, 2)
    assert tuple(mask is not None for mask in masks) == found
    for mask in masks:
        assert mask is None or mask.shape == (pictures, 8, 16)


def test_boxes_go_from_left_to_right_or_as_they_are_given():
    left, right = masks_of_boxes([RIGHT, LEFT], SIZE, 2)
    first, second = masks_of_boxes([RIGHT, LEFT], SIZE, 2, "as given")
    assert torch.equal(left, second)
    assert torch.equal(right, first)
    assert left[0, :, :4].all()
    assert not left[0, :, 4:].any()


def test_of_more_boxes_than_people_the_largest_count():
    small = box(40, 0, 8, 8)
    left, right = masks_of_boxes([small, LEFT, RIGHT], SIZE, 2)
    assert not left[0, :, 4:].any()
    assert not right[0, :, :12].any()


def test_a_cell_counts_by_the_share_of_it_that_lies_inside():
    [mask] = masks_of_boxes(box(4, 0, 12, 8), SIZE, 1)
    torch.testing.assert_close(mask[0, 0, :3], torch.tensor([0.5, 1.0, 0.0]))
    torch.testing.assert_close(mask.sum(), torch.tensor(1.5))


def test_boxes_that_leave_the_picture_are_cut_and_empty_ones_are_none():
    [mask] = masks_of_boxes(box(-50, -50, 1000, 1000), SIZE, 1)
    assert mask.all()
    assert masks_of_boxes(box(5, 5, 0, 20), SIZE, 1) == (None,)


@pytest.mark.parametrize(
    "given",
    [
        "boxes",
        3,
        [1, 2, 3, 4],
        {"x": 1},
        [box(float("nan"), 0, 1, 1)],
        [box("1", 0, 1, 1)],
        [[LEFT], LEFT],
        {"label": "x" * 999},
    ],
)
def test_what_is_no_box_is_told_in_one_sentence(given):
    with pytest.raises(InvalidSettingError, match="x, y, width and height in pixels") as caught:
        masks_of_boxes(given, SIZE, 2)
    assert len(str(caught.value)) < 300


def test_landmarks_become_head_and_shoulders():
    face = {"bbox_xyxy": np.array([24.0, 16.0, 40.0, 32.0]), "score": 0.9}
    other = {"bbox_xyxy": [88.0, 16.0, 104.0, 32.0]}
    left, right = masks_of_landmarks({"frames": [[other, face], [face]], "image_size": SIZE}, 2)
    assert left.shape == (2, 8, 16)
    assert left[0, 3, 4] == 1
    assert left[0, :, 10:].sum() == 0
    assert right[0, 3, 12] == 1
    assert not right[1].any()
    assert left[0, 6].sum() > left[0, 3].sum()  # shoulders are wider than the head
    with pytest.raises(InvalidSettingError, match="no FACE_LANDMARKS"):
        masks_of_landmarks([face], 2)


def test_the_size_of_the_picture_is_that_of_an_image_or_as_written():
    assert size_of_boxes(1, 1, torch.zeros(1, 64, 128, 3)) == SIZE
    assert size_of_boxes(128, 64, None) == SIZE
    with pytest.raises(InvalidSettingError, match="connect image to Place People, or write its width and height"):
        size_of_boxes(0, 64, None)


@pytest.mark.parametrize(
    "given",
    [
        {"frames": [[{"bbox_xyxy": [0, 0, 9, 9]}]], "image_size": size}
        for size in (None, 7, (64,), (64, 0), (64, -1), (64, 10**400), (64, float("nan")), ("64", "64"), (1e9, 1e9))
    ]
    + [
        {"frames": frames, "image_size": SIZE}
        for frames in (
            7,
            [7],
            [[7]],
            [[{}]],
            [[{"bbox_xyxy": 7}]],
            [[{"bbox_xyxy": [1, 2, 3]}]],
            [[{"bbox_xyxy": [1, 2, 3, None]}]],
            [[{"bbox_xyxy": [1, 2, 3, float("nan")]}]],
            [[{"bbox_xyxy": [1, 2, 3, 10**400]}]],
            [[{"bbox_xyxy": np.zeros((2, 4))}]],
        )
    ],
)
def test_landmarks_that_are_none_are_one_sentence(given):
    with pytest.raises(InvalidSettingError, match="landmarks") as caught:
        masks_of_landmarks(given, 2)
    assert len(str(caught.value)) <= 300


def test_landmarks_may_be_arrays_tensors_and_numpys_numbers():
    plain = masks_of_landmarks({"frames": [[{"bbox_xyxy": [24.0, 16.0, 40.0, 32.0]}]], "image_size": SIZE}, 1)[0]
    for edges in (
        np.array([24.0, 16.0, 40.0, 32.0]),
        torch.tensor([24.0, 16.0, 40.0, 32.0]),
        np.float32([24, 16, 40, 32]).tolist(),
    ):
        given = {"frames": [[{"bbox_xyxy": edges}]], "image_size": np.array(SIZE)}
        assert torch.equal(masks_of_landmarks(given, 1)[0], plain)


@pytest.mark.parametrize("number", [10**400, float("nan"), float("-inf"), 1e300, "7", None])
def test_a_box_of_no_numbers_is_one_sentence(number):
    with pytest.raises(InvalidSettingError, match="no box of numbers"):
        masks_of_boxes({**LEFT, "x": number}, SIZE, 1)


def test_more_masks_than_memory_are_refused():
    with pytest.raises(InvalidSettingError, match="too many to make masks of"):
        masks_of_boxes([[LEFT]] * 100_000, (8192, 8192), 8)
