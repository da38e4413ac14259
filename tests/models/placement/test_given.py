"""Masks that come with a placement."""

import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError
from likeness.models.placement.given import MaskSources, masks_of_people
from likeness.tests.models.placement.small_boxes import box


def test_nothing_given_is_no_mask():
    assert masks_of_people(MaskSources(), 2) == ()


def test_masks_are_people_picture_by_picture():
    masks = torch.rand(6, 4, 4)
    one, two = masks_of_people(MaskSources(masks=masks), 2)
    assert torch.equal(one, masks[::2])
    assert torch.equal(two, masks[1::2])
    assert len(masks_of_people(MaskSources(masks=masks), None)) == 6
    [whole] = masks_of_people(MaskSources(masks=masks[0]), None)
    assert whole.shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"masks": torch.rand(3, 4, 4)}, InvalidSettingError, "3 masks for 2 people"),
        ({"masks": torch.rand(1, 1, 4, 4)}, ShapeError, "expected"),
        ({"masks": torch.full((2, 4, 4), torch.nan)}, InvalidSettingError, "empty or holds NaN"),
        ({"boxes": box(0, 0, 8, 8)}, InvalidSettingError, "nothing says how large it is"),
        ({"boxes": [], "landmarks": {}, "masks": torch.ones(2, 4, 4)}, InvalidSettingError, "connect one of them"),
    ],
)
def test_what_does_not_fit_is_one_sentence(given, error, said):
    with pytest.raises(error, match=said):
        masks_of_people(MaskSources(**given), 2)


def test_boxes_take_the_order_and_landmarks_their_own_size():
    boxes = [box(64, 0, 64, 64), box(0, 0, 64, 64)]
    given = MaskSources(boxes=boxes, image=torch.zeros(1, 64, 128, 3))
    first, second = masks_of_people(given, 2, "as given")
    left, right = masks_of_people(given, 2, "most alike")
    assert torch.equal(first, right)
    assert torch.equal(second, left)
    face = {"bbox_xyxy": [8.0, 8.0, 24.0, 24.0]}
    [mask] = masks_of_people(MaskSources(landmarks={"frames": [[face]], "image_size": (64, 64)}), 1)
    assert mask.shape == (1, 8, 8)
