"""From photos to people for OmniPortrait: crops for the pivot, latents and masks for the guidance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError, NoFaceFoundError
from likeness.models.omniportrait.references import CROP_SIZE

pytestmark = pytest.mark.comfy

BOXES = "60 40 100 90"  # one face, pixels


class Vae:
    """Eight times smaller, the mean of each block."""

    def __init__(self):
        self.seen = []

    def encode(self, pixels):
        self.seen.append(pixels)
        small = torch.nn.functional.avg_pool2d(pixels.movedim(-1, 1), 8)
        return torch.cat((small, small[:, :1]), 1)


@pytest.fixture
def photo():
    """A picture with a bright face in the dark."""
    picture = torch.zeros(1, 128, 192, 3)
    picture[:, 40:90, 60:100] = 0.9
    return picture


def found(photo, region=BOXES, **settings):
    from likeness.host.encoders.faces import detect_faces

    return detect_faces(photo, detector="given region", region=region, **settings)


def test_a_face_is_cut_out_close_for_the_pivot_and_wide_for_the_guidance(photo):
    from likeness.host.omniportrait.people import add_reference

    vae = Vae()
    chain, faces = add_reference(found(photo), vae, None, name=" Ann ", size=128)
    [person] = chain.people
    assert (person.name, faces.found, person.mask) == ("Ann", True, None)
    assert person.crops.shape == (1, 3, CROP_SIZE, CROP_SIZE)
    shares = person.crops[0, 0].mean() / 0.9
    assert shares == pytest.approx(40 * 50 / (1.3 * 50) ** 2, abs=0.02)
    [wide] = vae.seen
    assert wide.shape == (1, 128, 128, 3)
    assert wide[0, ..., 0].mean() / 0.9 == pytest.approx(40 * 50 / 100**2, abs=0.02)
    [picture] = person.pictures
    assert picture.latent.shape == (1, 4, 16, 16)
    # the ellipse lies in the face, which it fills by π/4
    inside = picture.mask.bool()
    assert wide[0, ..., 0][inside].min() > 0.4  # half at the edge
    assert inside.sum() / (wide[0, ..., 0] > 0.45).sum() == pytest.approx(np.pi / 4, abs=0.03)


def test_a_batch_of_photos_is_several_references_of_one_person_and_names_stay_apart(photo):
    from likeness.host.omniportrait.people import add_reference

    both = torch.cat((photo, photo.flip(2)))
    faces = found(both, f"{BOXES}\nimage 2\n92 40 132 90")
    chain, _ = add_reference(faces, Vae(), None, size=64)
    chain, _ = add_reference(found(photo), Vae(), chain, name="person 1", mask=torch.ones(8, 8))
    first, second = chain.people
    assert (first.name, second.name) == ("person 1", "person 1 2")
    assert len(first.crops) == len(first.pictures) == 2
    assert second.mask.shape == (1, 8, 8)


def test_a_photo_without_a_face_is_an_error_or_nobody(photo):
    from likeness.host.encoders.detector import LoadedFaceAnalysis
    from likeness.host.encoders.faces import detect_faces
    from likeness.host.omniportrait.people import add_reference

    class Blind(LoadedFaceAnalysis):
        def look(self, picture, min_score):
            return []

    with pytest.raises(NoFaceFoundError):
        detect_faces(photo, analysis=Blind(None))
    nobody = detect_faces(photo, analysis=Blind(None), on_no_face="pass model through")
    chain, faces = add_reference(nobody, Vae(), None)
    assert not chain.people
    assert not faces.found


def test_a_parser_gives_the_outline_of_the_face(photo, monkeypatch):
    from likeness.host.omniportrait import people
    from likeness.models.face.region_masks import TRUE_NAMES

    labels = np.zeros((512, 512), np.uint8)
    labels[200:300, 220:280] = TRUE_NAMES.index("skin")
    monkeypatch.setattr(people, "parse_photo", lambda parser, picture, size: labels)
    chain, _ = people.add_reference(found(photo), Vae(), None, face_parser=object())
    mask = chain.people[0].pictures[0].mask
    assert mask.shape == (512, 512)
    assert mask.unique().tolist() == [0, 1]
    assert mask.sum() == 100 * 60
    labels[:] = 0  # the parser sees no face: the ellipse
    chain, _ = people.add_reference(found(photo), Vae(), None, face_parser=object())
    assert 0 < chain.people[0].pictures[0].mask.mean() < 0.3


@pytest.mark.parametrize("size", [0, 100, 4096])
def test_sizes_that_no_model_takes_are_refused(photo, size):
    from likeness.host.omniportrait.people import add_reference

    with pytest.raises(InvalidSettingError, match=f"size is {size}; choose a multiple of 64"):
        add_reference(found(photo), Vae(), None, size=size)
