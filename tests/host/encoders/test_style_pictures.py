"""Style pictures in ComfyUI: whose faces are hidden, by what, and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from likeness.models.clip import CLIP_MEAN
from likeness.models.errors import BadImageError, InvalidSettingError, MissingModelFileError, MissingPackageError
from likeness.models.face.types import Detection
from likeness.models.facestudio.style import Space
from likeness.models.facestudio.style_encoding import StyleEncoder
from likeness.models.images.layout import images_from_arrays
from likeness.tests.host.painted_parser import parser as parser
from likeness.tests.models.face.painted_faces import SIZE, face_labels, painted

pytestmark = pytest.mark.comfy

BOX = (70, 60, 186, 200)  # of the painted face
SPACE = Space("colours", 3)
FILL = np.array([round(255 * mean) for mean in CLIP_MEAN])


class Boxes:
    """A `FaceDetector` that finds a painted face where a picture shows one."""

    key = "painted faces"

    def __init__(self):
        self.looked = 0

    def at_size(self, size):
        return self

    def find(self, pictures):
        for picture in pictures:
            self.looked += 1
            found = [
                Detection(
                    np.float32(BOX), np.float32([[100, 110], [155, 110], [128, 130], [110, 165], [145, 165]]), 1.0
                )
            ]
            yield found if picture.any() else []


class Means:
    """Means of the colours that it is given."""

    width, key = 3, "means of colours"

    def embeddings(self, pixels):
        return pixels.mean((2, 3))


@dataclass
class Method:
    embedder: object = None
    space: Space = SPACE
    wanted: str = "OpenAI CLIP ViT-L/14 in models/clip_vision"


def face():
    return painted(face_labels())


@pytest.fixture
def encode(folders):
    from likeness.host.encoders.style_pictures import Masking, encode_style_pictures

    def run(*pictures, method=None, **masking):
        masking = Masking(**({"given": Boxes()} | masking))
        return encode_style_pictures(method or Method(Means()), images_from_arrays(pictures), masking)

    return run


def hidden(style, row, column):
    """Whether a place of a 256 pixel picture is filled in what was seen, up to the bicubic filter."""
    place = (np.array([row, column]) + 0.5) * 224 / SIZE
    return np.abs(style.seen[int(place[0]), int(place[1])].astype(int) - FILL).max() <= 1


def test_without_a_parser_the_ellipse_of_the_box_is_hidden(encode):
    style = encode(face())
    assert style.note == "1 face hidden (1 by box)."
    assert style.seen.shape == (224, 224, 3)
    assert hidden(style, 130, 128)  # the nose
    assert hidden(style, 58, 128)  # hair above the box, by which the ellipse is grown
    assert not hidden(style, 65, 75)  # a corner of the box


def test_with_a_parser_the_face_is_hidden_without_hair_ears_and_neck(encode, parser):
    style = encode(face(), parser=parser)
    assert style.note == "1 face hidden (1 by parser)."
    assert hidden(style, 65, 75)  # the same corner is skin
    assert hidden(style, 110, 100)  # an eye
    assert not hidden(style, 40, 128)  # hair
    assert not hidden(style, 130, 56)  # an ear
    assert not hidden(style, 215, 128)  # the neck


def test_the_embedding_is_that_of_what_was_seen(encode):
    style = encode(face())
    shown = torch.from_numpy(style.seen).float() / 255
    from likeness.models.clip import CLIP_STD

    expected = ((shown - torch.tensor(CLIP_MEAN)) / torch.tensor(CLIP_STD)).mean((0, 1))
    torch.testing.assert_close(style.embedding[0], expected, atol=1e-5, rtol=1e-5)
    assert style.space == SPACE


def test_switched_off_nobody_looks_for_faces(encode):
    detector = Boxes()
    style = encode(face(), faces=False, given=detector)
    assert detector.looked == 0
    assert style.note == "faces are shown (mask_face is off)."
    assert not hidden(style, 130, 128)


def test_a_picture_without_a_face_is_no_error(encode, parser):
    style = encode(np.zeros((40, 50, 3), np.uint8), parser=parser)
    assert style.note == "no face found, nothing is hidden."


def test_several_pictures_are_told_apart(encode):
    style = encode(face(), np.zeros((SIZE, SIZE, 3), np.uint8))
    assert style.note == "Mean of 2 pictures. 1: 1 face hidden (1 by box). 2: no face found, nothing is hidden."
    assert style.seen.shape == (224, 448, 3)


def test_a_drawn_mask_hides_more_or_alone(encode):
    mask = torch.zeros(1, 8, 8)
    mask[:, :4, :4] = 1  # a quarter, at another size than the picture
    for faces, note in (
        (True, "1 face hidden (1 by box), and what the mask covers."),
        (False, "faces are shown (mask_face is off), what the mask covers is hidden."),
    ):
        style = encode(face(), faces=faces, mask=mask)
        assert style.note == note
        assert hidden(style, 10, 10)
        assert hidden(style, 150, 128) == faces
        assert not hidden(style, 250, 20)


def test_masks_are_one_for_all_or_one_for_each(encode):
    masks = torch.stack([torch.ones(4, 4), torch.zeros(4, 4)])
    style = encode(face(), face(), faces=False, mask=masks)
    assert (style.seen[:, :224] == FILL).all()
    assert not (style.seen[:, 224:] == FILL).all()
    assert (encode(face(), face(), faces=False, mask=masks[0]).seen == FILL).all()
    with pytest.raises(InvalidSettingError, match=r"mask has shape \(2, 4, 4\) and there are 3 pictures"):
        encode(face(), face(), face(), mask=masks)
    with pytest.raises(InvalidSettingError, match="mask has shape"):
        encode(face(), mask=torch.full((1, 4, 4), torch.nan))


def test_faces_are_filled_with_the_encoders_own_mean(encode):
    half = (0.5, 0.5, 0.5)
    style = encode(face(), method=Method(StyleEncoder(Means(), half, half)))
    assert (style.seen[112, 112] == 128).all()


def test_a_detector_that_is_missing_is_one_sentence_with_both_ways_out(encode):
    with pytest.raises(MissingModelFileError, match=r"must be found first\. No model file .* Or switch mask_face off"):
        encode(face(), given=None, detector="yunet")


def test_a_package_that_is_missing_is_said_the_same_way(encode):
    class Broken(Boxes):
        def find(self, pictures):
            raise MissingPackageError("It needs the package x.")

    with pytest.raises(MissingPackageError, match=r"It needs the package x\. Or switch mask_face off"):
        encode(face() + np.uint8(1), given=Broken())


def test_given_regions_need_no_file(encode):
    style = encode(face(), given=None, detector="given region", region="70 60 186 200")
    assert style.note == "1 face hidden (1 by box)."
    assert hidden(style, 130, 128)


def test_without_an_encoder_what_is_wanted_is_named(encode):
    with pytest.raises(MissingModelFileError, match="OpenAI CLIP ViT-L/14 in models/clip_vision is needed"):
        encode(face(), method=Method())


def test_pictures_that_cannot_be_read_are_refused(encode):
    from likeness.host.encoders.style_pictures import Masking, encode_style_pictures

    with pytest.raises(BadImageError, match="picture has shape"):
        encode_style_pictures(Method(Means()), torch.zeros(4, 4, 3), Masking(given=Boxes()))
