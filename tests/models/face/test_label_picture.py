import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError
from likeness.models.face.label_picture import COLOURS, labels_tensor


def test_background_is_the_photo_and_labels_are_tinted():
    photo = np.full((4, 19, 3), 100, np.uint8)
    labels = np.tile(np.arange(19, dtype=np.uint8), (4, 1))
    (picture,) = labels_tensor([photo], [labels])
    assert torch.equal(picture[:, 0], torch.full((4, 3), 100 / 255))
    expected = np.rint(0.4 * 100 + 0.6 * np.array(COLOURS[1:])) / 255
    np.testing.assert_allclose(picture[0, 1:].numpy(), expected, atol=1e-6)


def test_every_label_has_a_colour_of_its_own():
    assert len(set(COLOURS)) == len(COLOURS) == 19


def test_one_picture_per_photo_all_of_one_size():
    photos = [np.zeros((6, 8, 3), np.uint8)] * 2
    assert labels_tensor(photos, [np.zeros((6, 8), np.uint8)] * 2).shape == (2, 6, 8, 3)
    with pytest.raises(BadImageError, match="one size"):
        labels_tensor(
            [photos[0], np.zeros((5, 8, 3), np.uint8)], [np.zeros((6, 8), np.uint8), np.zeros((5, 8), np.uint8)]
        )
