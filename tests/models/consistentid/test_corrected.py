"""The corrected behaviour: all photos, right colours, and of a face that was chosen its surroundings."""

from dataclasses import replace

import numpy as np
from likeness.models.consistentid.corrected import Corrected
from likeness.models.consistentid.pipelines import INPAINT, SD15
from likeness.tests.models.consistentid.small_encoders import face, person, photo

CORRECTED = Corrected(SD15)


def test_photos_that_show_the_face_count_or_all_if_none_does():
    one, two, without = photo(1), photo(2), photo(3, taken=False)
    assert CORRECTED.photos(person("Ada", one, without, two)) == (one, two)
    assert CORRECTED.photos(person("Ada", without, without)) == (without, without)


def test_a_photo_is_seen_whole_and_a_chosen_face_with_a_face_around_it():
    whole = replace(photo(), taken=face(24, 34))
    assert CORRECTED.portrait(whole) is whole.picture
    chosen = replace(whole, is_chosen=True)
    assert np.array_equal(CORRECTED.portrait(chosen), whole.picture[14:44, 14:44])
    assert CORRECTED.portrait(replace(chosen, taken=None)) is whole.picture


def test_the_face_is_that_of_the_photo_in_its_own_colours():
    seen = photo()
    assert CORRECTED.find_face(seen) == (seen.taken, seen.picture)
    assert CORRECTED.find_face(photo(taken=False)) is None


def test_several_and_mixed_people_are_welcome():
    CORRECTED.check_people([person(), person(mixed=((person(), 1.0),))])


def test_control_nets_see_text_alone_and_the_named_step_merges():
    assert not Corrected(INPAINT).control_context
    assert not CORRECTED.merge_inclusive
