"""The published behaviour: one person, the first photo as a whole, and faces found in its own way."""

from dataclasses import replace

import numpy as np
import pytest
from likeness.models.consistentid.marked_text import MARKER, Caption
from likeness.models.consistentid.pipelines import INPAINT, PIPELINES, SD15, SDXL
from likeness.models.consistentid.published import Published, write_clauses
from likeness.models.errors import InvalidSettingError, NoFaceFoundError
from likeness.tests.models.consistentid.small_encoders import SmallDetector, face, person, photo

RED, BLUE = (220, 30, 30), (30, 30, 220)
ALL = ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")


@pytest.mark.parametrize(("pipeline", "colour", "size"), [(SD15, BLUE, 640), (INPAINT, BLUE, 640), (SDXL, RED, 512)])
def test_a_photo_is_looked_at_in_the_pipeline_s_size_and_colours(pipeline, colour, size):
    """The detector finds red faces: with red and blue exchanged it finds the blue one; the surest face counts."""
    detector = SmallDetector(size=320)
    seen = photo(middle=colour, detector=detector)
    looked = Published(pipeline).find_face(seen)
    assert looked is not None
    found, shown = looked
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
    found = Published(SD15).find_face(somebody)
    assert found is not None
    assert found[0].box.tolist() == [8, 8, 20, 20]


def test_a_face_that_was_chosen_is_taken_in_the_published_colours():
    detector = SmallDetector()
    chosen = photo(middle=RED, detector=detector, is_chosen=True)
    looked = Published(SD15).find_face(chosen)
    assert looked is not None
    found, shown = looked
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


def few(text):
    """A count of ids that never makes a prompt too long."""
    return 0


def many(text):
    return 78


def assemble(prompt, regions, *, flavour, caption=None, count=None):
    return write_clauses(prompt, Caption(caption, tuple(regions)), PIPELINES[flavour], count)


def test_published_example():
    prompt = assemble("A man", ALL, flavour="sd15", count=few)

    assert prompt.text == (
        f"A manDetail:The person has one face {MARKER}, two ears {MARKER}, two eyes {MARKER}, one nose {MARKER}, "
        f"and one mouth {MARKER},"
    )
    assert prompt.plain == prompt.text.replace(MARKER, "")
    assert prompt.features == ("face", "ears", "eyes", "nose", "mouth")
    assert prompt.regions == ALL


def test_sdxl_has_its_own_joiner_and_a_raw_text_phase():
    prompt = assemble("A man", ALL, flavour="sdxl", count=few)

    assert prompt.text.startswith("A man; Detail:The person has one face")
    assert prompt.text.endswith(f"and a mouth {MARKER},")
    assert prompt.plain == "A man"


def test_inpaint_drops_the_face():
    prompt = assemble("A man", ALL, flavour="inpaint", count=few)

    assert prompt.regions == ("Left_Eye", "Left_Ear", "Nose", "Upper_Lip")
    assert prompt.features == ("ears", "eyes", "nose", "mouth")


@pytest.mark.parametrize(("name", "head"), [("sd15", "Detail:The"), ("sdxl", "; Detail:The")])
def test_a_long_prompt_comes_last(name, head):
    prompt = assemble("A man", ALL, flavour=name, count=many)

    assert prompt.text.startswith(head)
    assert prompt.text.endswith(f"{MARKER}, Caption:A man")


def test_ids_are_counted_with_markers_and_ends():
    seen = []
    assemble("A man", ALL, flavour="sd15", count=lambda text: seen.append(text) or 77)

    assert seen[0].count(MARKER) == 5
    # the caption takes 28 ids, its markers and both ends included
    assert assemble("word " * 49, ALL, flavour="sd15").text.startswith("word")
    assert assemble("word " * 50, ALL, flavour="sd15").text.startswith("Detail:")


def test_330_characters_are_the_most():
    caption = "a face" + "." * 324

    assert MARKER in assemble("A man", ALL, flavour="sd15", caption=caption, count=few).text
    longer = assemble("A man", ALL, flavour="sd15", caption=caption + ".", count=few)
    assert (longer.text, longer.plain, longer.features) == ("A man", "A man", ())


def test_a_feature_is_marked_at_its_first_mention():
    caption = "Face, a FACE and another face; a nose."
    prompt = assemble("", ["Face", "Nose"], flavour="sd15", caption=caption, count=few)

    assert prompt.features == ("nose",)  # "Face" is the first mention, and only lower case is marked
    assert prompt.regions == ("Nose",)
