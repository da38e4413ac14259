from typing import Any

import pytest
import torch
from likeness.models.errors import BadImageError, InvalidSettingError, NoFaceFoundError
from likeness.models.face.analysis import Selection, analyze
from likeness.models.face.cropping import crop_face
from likeness.models.face.given import GivenRegions
from likeness.models.face.squares import put_back
from likeness.models.face.types import FaceSet
from likeness.models.images.layout import images_from_arrays

TEXT = "20 20 60 60\n120 20 180 80\nimage 2\n50 50 90 90"
SETTINGS: dict[str, Any] = {"number": 1, "margin": 0.0, "size": 64}


@pytest.fixture
def scene(squares):
    pictures = [
        squares(100, 200, (20, 20, 40, (255, 0, 0)), (120, 20, 60, (0, 255, 0))),
        squares(100, 200, (50, 50, 40, (0, 0, 255))),
    ]
    settings = GivenRegions(TEXT)
    faces = analyze(pictures, settings, Selection(order="left to right", take="all"))
    return images_from_arrays(pictures), faces


@pytest.mark.parametrize(("number", "colour"), [(1, [1, 0, 0]), (2, [0, 1, 0]), (3, [0, 0, 1])])
def test_the_number_counts_the_faces_taken(number, colour, scene):
    image, faces = scene
    crop, mask, region = crop_face(image, faces, None, number=number, margin=0, size=64)
    assert crop.shape == (1, 64, 64, 3)
    assert torch.allclose(crop, torch.tensor(colour, dtype=torch.float32).expand_as(crop), atol=0.02)
    assert mask.shape == (1, 64, 64)
    assert mask.min() > 0.98
    assert region.image_index == (1 if number == 3 else 0)


def test_the_mask_of_the_crop_is_the_box(scene):
    image, faces = scene
    _, mask, region = crop_face(image, faces, None, number=1, margin=0.25, size=60)
    assert (region.left, region.top, region.side) == (10, 10, 60)
    assert mask[0, 10:50, 10:50].min() == 1
    assert mask.sum() == 40 * 40


def test_a_mask_chooses_among_all_faces_found(scene):
    image, _ = scene
    only_left = analyze(
        [(image[0] * 255).to(torch.uint8).numpy()],
        GivenRegions("20 20 60 60\n120 20 180 80"),
        Selection(order="left to right"),
    )
    mask = torch.zeros(1, 25, 50)
    mask[:, :, 25:] = 1
    crop = crop_face(image, only_left, mask, **SETTINGS).crop
    assert crop[0, 32, 32].tolist() == [0, 1, 0]


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float16])
def test_a_mask_of_any_numbers_chooses_and_is_cut_out(scene, dtype):
    image, faces = scene
    mask = torch.zeros(1, *image.shape[1:3])
    x0, y0, x1, y1 = (int(edge) for edge in faces.candidates[-1].box)
    mask[0, y0:y1, x0:x1] = 1
    for found in (faces, None):
        want = crop_face(image, found, mask, number=1, margin=0.0, size=16)
        have = crop_face(image, found, mask.to(dtype), number=1, margin=0.0, size=16)
        assert torch.equal(have.crop, want.crop)
        assert torch.equal(have.mask, want.mask)


def test_of_several_masks_the_number_chooses(scene):
    image, faces = scene
    masks = torch.zeros(2, 100, 200)
    masks[0, :, :100] = 1
    masks[1, :, 100:] = 1
    first = FaceSet(faces.of_image(0), faces.images)
    assert crop_face(image, first, masks, **SETTINGS).crop[0, 32, 32].tolist() == [1, 0, 0]
    assert crop_face(image, first, masks, **SETTINGS | {"number": 2}).crop[0, 32, 32].tolist() == [0, 1, 0]
    assert crop_face(image, first, masks[1], **SETTINGS | {"number": 6}).crop[0, 32, 32].tolist() == [0, 1, 0]


def test_a_mask_alone_is_cut_out_of_every_picture(scene):
    image, _ = scene
    mask = torch.zeros(50, 100)
    mask[10:30, 10:30] = 1
    crop, shown, region = crop_face(image, None, mask, **SETTINGS)
    assert crop.shape == (2, 64, 64, 3)
    assert region.image_index is None
    assert crop[0, 32, 32].tolist() == [1, 0, 0]
    assert shown.shape == (1, 64, 64)
    assert shown[0, 32, 32] == 1


def test_an_enlargement_has_the_faces_in_the_same_places(scene):
    image, faces = scene
    large = image.repeat_interleave(3, dim=1).repeat_interleave(3, dim=2)
    small, big = (crop_face(picture, faces, None, number=2, margin=0, size=60).crop for picture in (image, large))
    assert torch.allclose(small, big, atol=1e-5)


def test_there_and_back(scene):
    image, faces = scene
    crop, _, region = crop_face(image, faces, None, number=3, margin=0.5, size=80)
    assert torch.allclose(put_back(image, crop, region, 8), image, atol=1e-6)


def test_wrong_inputs_are_named(scene):
    image, faces = scene
    with pytest.raises(InvalidSettingError, match="needs faces or a mask"):
        crop_face(image, None, None, **SETTINGS)
    with pytest.raises(InvalidSettingError, match=r'number is 4, but faces holds 3; set take to "all"'):
        crop_face(image, faces, None, **SETTINGS | {"number": 4})
    with pytest.raises(InvalidSettingError, match="number is 3, but there are 2 masks"):
        crop_face(image, faces, torch.ones(2, 9, 9), **SETTINGS | {"number": 3})
    with pytest.raises(NoFaceFoundError, match="faces is empty"):
        crop_face(image, FaceSet((), faces.images, "go on"), None, **SETTINGS)
    with pytest.raises(NoFaceFoundError, match="covers none of the 3 faces"):
        crop_face(image, faces, torch.zeros(1, 10, 20), **SETTINGS)
    with pytest.raises(InvalidSettingError, match="mask is empty"):
        crop_face(image, None, torch.zeros(1, 10, 20), **SETTINGS)
    with pytest.raises(BadImageError, match=r"mask has shape \(1, 1, 10, 20\)"):
        crop_face(image, None, torch.zeros(1, 1, 10, 20), **SETTINGS)
    with pytest.raises(BadImageError, match="mask contains NaN"):
        crop_face(image, None, torch.full((1, 10, 20), float("nan")), **SETTINGS)
    with pytest.raises(BadImageError, match="face is in image 2, but the batch has 1"):
        crop_face(image[:1], faces, None, **SETTINGS | {"number": 3})
    with pytest.raises(BadImageError, match="image is empty"):
        crop_face(image[:0], faces, None, **SETTINGS)
    with pytest.raises(InvalidSettingError, match="size is 0"):
        crop_face(image, faces, None, **SETTINGS | {"size": 0})
