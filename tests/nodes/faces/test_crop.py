"""Crop Face and Paste Face: what is cut out comes back to its place, and everything else stays."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.face.analysis import Selection

pytestmark = pytest.mark.comfy

REGION = "20 20 60 60\n120 20 180 80"


@pytest.fixture
def image():
    return torch.rand(1, 100, 200, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def faces(image):
    """Two faces, the left one first."""
    from likeness.host.encoders.detector import choose_detector, detect_faces

    detector = choose_detector("given region", region=REGION)
    return detect_faces(image, detector, selection=Selection(order="left to right", take="all"))


@pytest.fixture
def crop(execute, image):
    from likeness.nodes.faces.crop import CropFace

    return lambda **inputs: execute(CropFace, **({"image": image, "margin": 0.0, "size": 64} | inputs)).result


@pytest.fixture
def paste(execute, image):
    from likeness.nodes.faces.crop import PasteFace

    return lambda **inputs: execute(PasteFace, **({"image": image} | inputs)).result[0].clone()


def test_a_face_is_cut_out_by_its_number_and_put_back(crop, paste, faces, image):
    cut, mask, square = crop(faces=faces, number=2)
    assert cut.shape == (1, 64, 64, 3)
    assert mask.shape == (1, 64, 64)
    pasted = paste(crop=torch.zeros_like(cut), square=square, feather=0)
    assert pasted[0, 20:80, 120:180].max() == 0
    pasted[0, 20:80, 120:180] = image[0, 20:80, 120:180]
    assert torch.equal(pasted, image), "nothing else has changed"


def test_the_margin_brings_surroundings_that_the_mask_leaves_out(crop, faces):
    close, wide = crop(faces=faces), crop(faces=faces, margin=0.3)
    assert close[1].mean() > wide[1].mean() > 0
    assert wide[2].side > close[2].side


def test_a_feather_keeps_the_edge_of_the_picture(crop, paste, faces, image):
    cut, _, square = crop(faces=faces, number=2)
    soft = paste(crop=torch.zeros_like(cut), square=square, feather=16)
    assert torch.equal(soft[0, :20], image[0, :20])
    assert soft[0, 50, 150].max() == 0
    edge, before = soft[0, 22, 150].sum(), image[0, 22, 150].sum()
    assert 0 < edge < before


def test_a_mask_chooses_the_face_that_it_covers_most_or_the_square_around_itself(crop, faces):
    mask = torch.zeros(1, 100, 200)
    mask[:, 25:75, 125:175] = 1
    [by_mask, _, square] = crop(faces=faces, mask=mask)
    assert torch.equal(by_mask, crop(faces=faces, number=2)[0])
    alone = crop(mask=mask)[2]
    assert (alone.left, alone.top, alone.side) == (125, 25, 50)
    assert square.side == 60


def test_a_crop_may_come_back_in_another_size(crop, paste, faces, image):
    _, _, square = crop(faces=faces)
    pasted = paste(crop=torch.ones(1, 200, 200, 3), square=square, feather=0)
    assert pasted[0, 20:60, 20:60].min() > 0.999
    assert torch.equal(pasted[0, :, 100:], image[0, :, 100:])


def test_without_faces_and_mask_there_is_nothing_to_cut_out(crop):
    with pytest.raises(InvalidSettingError, match="needs faces or a mask"):
        crop()
