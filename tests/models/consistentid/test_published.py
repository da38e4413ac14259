"""The published behaviour: one person, the first photo as a whole, and faces found in its own way."""

from dataclasses import replace

import numpy as np
import pytest
from likeness.models.consistentid.pipelines import INPAINT, SD15, SDXL
from likeness.models.consistentid.published import Published
from likeness.models.errors import InvalidSettingError, NoFaceFoundError
from likeness.tests.models.consistentid.small_encoders import SmallDetector, face, person, photo

RED, BLUE = (220, 30, 30), (30, 30, 220)


@pytest.mark.parametrize(("pipeline", "colour", "size"), [(SD15, BLUE, 640), (INPAINT, BLUE, 640), (SDXL, RED, 512)])
def test_a_photo_is_looked_at_in_the_pipeline_s_size_and_colours(pipeline, colour, size):
    """The detector finds red faces: with red and blue exchanged it finds the blue one; the surest face counts."""
    detector = SmallDetector(size=320)
    seen = photo(middle=colour, detector=detector)
    found, shown = Published(pipeline).find_face(seen)
    assert found.box.tolist() == [8, 8, 20, 20]
    assert tuple(shown[30, 30]) == RED
    assert np.array_equal(shown if pipeline is SDXL else shown[..., ::-1], seen.picture)
    assert detector.sizes == [size]


def test_a_face_that_is_known_but_not_found_in_this_way_is_an_error():
    with pytest.raises(NoFaceFoundError, match=r"square of 640 pixels, red and blue exchanged\) and found no face"):
        Published(SD15).find_face(photo(middle=RED, detector=SmallDetector()))
    with pytest.raises(NoFaceFoundError, match=r"square of 512 pixels\) and found no face"):
        Published(SDXL).find_face(photo(middle=BLUE, detector=SmallDetector()))


def test_a_photo_kept_without_a_face_is_looked_at_again():
    nobody, somebody = (photo(middle=colour, taken=False, detector=SmallDetector()) for colour in (RED, BLUE))
    assert Published(SD15).find_face(nobody) is None
    assert Published(SD15).find_face(somebody)[0].box.tolist() == [8, 8, 20, 20]


def test_a_face_that_was_chosen_is_taken_in_the_published_colours():
    detector = SmallDetector()
    chosen = photo(middle=RED, detector=detector, is_chosen=True)
    found, shown = Published(SD15).find_face(chosen)
    assert found is chosen.taken
    assert tuple(shown[30, 30]) == BLUE
    assert detector.sizes == []
    assert Published(SD15).find_face(replace(chosen, taken=None)) is None


def test_the_first_photo_counts_as_a_whole():
    one, two = photo(1, is_chosen=True), photo(2)
    assert Published(SD15).photos(person("Ada", one, two)) == (one,)
    assert Published(SD15).portrait(replace(one, taken=face(30, 34))) is one.picture


def test_one_unmixed_person_is_the_most():
    published = Published(SD15)
    published.check_people([])
    published.check_people([person()])
    with pytest.raises(InvalidSettingError, match=r'2 people \("Ada", "Bob"\), but .* set "mode" of Load ConsistentID'):
        published.check_people([person("Ada"), person("Bob")])
    with pytest.raises(InvalidSettingError, match='"Ada" is mixed of several people'):
        published.check_people([person(mixed=((person(), 0.5), (person(), 0.5)))])


def test_only_inpainting_shows_control_nets_the_id_tokens():
    assert [Published(pipeline).control_context for pipeline in (SD15, SDXL, INPAINT)] == [False, False, True]
