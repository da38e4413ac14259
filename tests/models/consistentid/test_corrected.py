"""The corrected behaviour: all photos, right colours, and of a face that was chosen its surroundings."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.models.consistentid.corrected import Corrected, compose, write_in_place
from likeness.models.consistentid.marked_text import MARKER, Caption
from likeness.models.consistentid.pipelines import INPAINT, SD15, SDXL
from likeness.tests.models.consistentid.odd_captions import ALL, ODD
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


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=40), st.lists(st.tuples(st.one_of(st.none(), st.text(max_size=60)), st.sampled_from([(), ALL])))
)
def test_any_captions_are_composed(prompt, people):
    composed = compose(prompt, [Caption(*person) for person in people], SD15)

    assert composed.text.startswith(prompt)
    assert len(composed.spans) == len(people)
    for mark in composed.marks:
        begin, end = composed.spans[mark.person]
        assert begin < mark.end <= end


def test_markers_stand_in_the_captions_own_order():
    caption = "Eyes of blue, a broad nose and small ears."
    prompt = write_in_place("A man", Caption(caption, ALL), SDXL)

    assert prompt.text == f"A man ; Detail:Eyes {MARKER} of blue, a broad nose {MARKER} and small ears {MARKER}."
    assert prompt.features == ("eyes", "nose", "ears")
    assert prompt.regions == ("Left_Eye", "Left_Ear", "Nose")
    assert prompt.plain == "A man"


@pytest.mark.parametrize(("text", "feature"), [("one eye", "eyes"), ("an EAR", "ears"), ("red lips", "mouth")])
def test_other_forms_of_a_noun(text, feature):
    assert write_in_place("", Caption(text, ALL), SDXL).features == (feature,)


def test_parts_of_words_are_not_nouns():
    assert write_in_place("", Caption("surface, year, eyebrow, tear", ALL), SDXL).features == ()


@pytest.mark.parametrize(
    ("regions", "sentence"),
    [
        (("Face", "Right_Eye", "Lower_Lip"), "The person has one face, two eyes and a mouth."),
        (("Nose",), "The person has one nose."),
        (ALL, "The person has one face, one nose, two eyes, two ears, and a mouth."),
    ],
)
def test_the_fixed_sentence_names_what_was_found(regions, sentence):
    assert compose("", [Caption(None, regions)], SDXL).text == "Detail:" + sentence


def test_inpaint_has_no_word_for_the_face():
    composed = compose("A man", [Caption(None, ("Face",))], INPAINT)

    assert composed.text == "A man"
    assert composed.spans == ((5, 5),)


def test_two_people():
    captions = [Caption("a long face", ("Face",)), Caption("nothing", ALL), Caption("blue eyes", ALL)]
    composed = compose("A man (old:1.2)", captions, SDXL)

    assert composed.text == "A man (old:1.2) ; Detail:a long face blue eyes"
    assert [composed.text[slice(*span)] for span in composed.spans] == ["a long face", "", "blue eyes"]
    assert [(mark.person, mark.feature) for mark in composed.marks] == [(0, "face"), (2, "eyes")]
    assert [composed.text[: mark.end].split()[-1] for mark in composed.marks] == ["face", "eyes"]


def test_captions_are_plain_text():
    composed = compose("", [Caption("(face:2)\n\\(x\\) embedding:nose", ALL)], SDXL)

    assert composed.text == r"Detail:\(face:2\) \\(x\\) embedding :nose"


@pytest.mark.comfy
@pytest.mark.parametrize("caption", [*ODD.values(), "(face:2) embedding:easy", "((eyes", "\\(nose\\)", "nose)"])
def test_comfyui_reads_captions_as_plain_text(caption):
    from comfy.sd1_clip import escape_important, token_weights, unescape_important

    text = compose("", [Caption(caption, ALL)], SDXL).text
    read = [(unescape_important(part), weight) for part, weight in token_weights(escape_important(text), 1.0)]

    assert {weight for _, weight in read} <= {1.0}
    words = " ".join(caption.split()).replace("embedding:", "embedding :")
    assert "".join(part for part, _ in read) == ("Detail:" + words if text else "")
    assert not re.search(r"(^|\s)embedding:", text)
