import numpy as np
import pytest
import torch
from likeness.models.errors import NoFaceFoundError
from likeness.models.face.region_masks import filled_masks
from likeness.models.similarity.dino import DINO
from likeness.models.similarity.fgis import ParsedPhoto, crops_tensor, fgis, tight_crop
from likeness.tests.models.face.painted_faces import SIZE, face_labels
from likeness.tests.models.small_dino import HEAD, weights


@pytest.fixture(scope="module")
def embed():
    return DINO.from_state_dict(weights(), dim_head=HEAD).embed


def parsed(seed=0, brightness=1.0, **face):
    photo = np.random.default_rng(seed).integers(40, 256, (SIZE, SIZE, 3)) * brightness
    return ParsedPhoto(photo.astype(np.uint8), filled_masks(face_labels(**face)))


def test_the_same_picture_is_one(embed):
    result = fgis(parsed(), parsed(), embed)
    assert result.score == pytest.approx(1)
    assert list(result.per_region) == ["Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip"]
    assert result.missing == ()


def test_the_score_is_the_mean_of_the_regions_cosines(embed):
    reference, image = parsed(), parsed(seed=1)
    result = fgis(reference, image, embed)
    for name, cosine in result.per_region.items():
        first, second = embed(result.crops[name])
        assert cosine == pytest.approx(torch.cosine_similarity(first, second, dim=0).item(), abs=1e-5)
    assert result.score == pytest.approx(np.mean(list(result.per_region.values())))
    assert result.score < 1
    assert fgis(image, reference, embed).score == pytest.approx(result.score)


def test_only_the_regions_differ_that_were_changed(embed):
    reference, image = parsed(), parsed()
    image.photo[104:116, 88:114] = (255, 0, 0)  # the left eye
    per_region = fgis(reference, image, embed).per_region
    assert per_region["Left_Eye"] < 1 - 1e-4
    assert per_region["Nose"] == pytest.approx(1)
    assert per_region["Left_Ear"] == pytest.approx(1)


def test_what_one_picture_lacks_is_left_out_and_named(embed):
    result = fgis(parsed(without=("left_ear", "right_ear")), parsed(sunglasses=True), embed)
    assert list(result.per_region) == ["Face", "Nose", "Upper_Lip"]
    assert result.missing == ("Eye", "Ear")


def test_a_pair_is_compared_on_the_side_that_both_show(embed):
    """One profile each way has no ear in common; else the right one stands in."""
    result = fgis(parsed(without=("left_ear",)), parsed(), embed)
    assert "Right_Ear" in result.per_region
    result = fgis(parsed(without=("left_ear",)), parsed(without=("right_ear",)), embed)
    assert result.missing == ("Ear",)


def test_nothing_in_common_says_what_was_seen(embed):
    nobody = ParsedPhoto(np.zeros((9, 9, 3), np.uint8), {"Background": np.full((9, 9), 255, np.uint8)})
    with pytest.raises(NoFaceFoundError, match=r"reference: Face, Left_Eye, .*; image: none\).*Crop Face"):
        fgis(parsed(), nobody, embed)
    with pytest.raises(NoFaceFoundError):
        fgis(parsed(), parsed(brightness=0.0), embed)


def test_the_tight_crop_is_the_bounding_box_above_ten():
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[5:11, 7:19] = 200
    picture[0, 0] = 10
    assert tight_crop(picture).shape == (5, 11, 3)
    picture[0, 0] = 11
    assert tight_crop(picture).shape == (10, 18, 3)
    assert tight_crop(np.full((4, 4, 3), 10, np.uint8)) is None
    picture[:] = 0
    picture[3, 4] = 255
    assert tight_crop(picture) is None, "a single pixel has no box without its last row"


def test_crops_show_reference_and_image_side_by_side(embed):
    first, second = fgis(parsed(), parsed(1), embed), fgis(parsed(without=("nose",)), parsed(1), embed)
    crops = crops_tensor([first, second], 32)
    assert crops.shape == (9, 32, 64, 3)
    assert torch.equal(crops[3, :, :32], crops_tensor([fgis(parsed(), parsed(), embed)], 32)[3, :, :32])
    assert not torch.equal(crops[3, :, :32], crops[3, :, 32:])
