"""The published marking of a face's description: clauses, lengths and what is dropped."""

import pytest
from likeness.models.consistentid.pipelines import PIPELINES
from likeness.models.consistentid.prompts.marked_text import MARKER, Caption
from likeness.models.consistentid.prompts.published import write_clauses

ALL = ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")


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
