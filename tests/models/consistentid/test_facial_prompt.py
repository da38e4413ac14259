import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.models.consistentid.facial_prompt import MARKER, Caption, assemble, compose
from likeness.models.consistentid.flavour import INPAINT, SD15, SDXL, corrected
from likeness.models.face.facial_features import FEATURES

FLAVOURS = (SD15, SDXL, INPAINT, *map(corrected, (SD15, SDXL, INPAINT)))
ALL = ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")
ODD = {
    "brackets": "A (pretty:1.3) [face], {with} two <eyes>.",
    "quotes": "His \"face\" isn't 'wide'; her eyes’ colour is `blue`.",
    "newlines": "A face\nwith\r\nblue eyes,\n\n\ta nose\n",
    "emoji": "😀 face 👃 nose, 👀 eyes 👄.",
    "500 words": "a long face and " * 125,
    "no feature": "A portrait.",
    "empty": "",
}


def few(text):
    """A count of ids that never makes a prompt too long."""
    return 0


def many(text):
    return 78


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


def test_regions_come_as_a_dict_that_stays_as_it_is():
    regions = dict.fromkeys(ALL, 1)
    prompt = assemble("A man", regions, flavour="sd15", caption="blue eyes", count=few)

    assert list(regions) == list(ALL)
    assert prompt.regions == ("Left_Eye",)


def test_parts_that_have_no_word_are_passed_over():
    prompt = assemble("A man", ["WithoutBackground", "Nose", "Hat"], flavour="sd15", count=few)

    assert prompt.regions == ("Nose",)


@pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda flavour: f"{flavour.name}-{flavour.pairing}")
@pytest.mark.parametrize("caption", ODD.values(), ids=ODD)
def test_odd_captions(flavour, caption):
    first, second = (assemble("A man", ALL, flavour=flavour, caption=caption, count=few) for _ in range(2))

    assert first == second
    assert first.text.count(MARKER) == len(first.features)
    assert {FEATURES[name] for name in first.regions} >= set(first.features)
    assert MARKER not in first.plain


@pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda flavour: f"{flavour.name}-{flavour.pairing}")
def test_no_regions_and_no_prompt(flavour):
    prompt = assemble("", [], flavour=flavour, count=few)

    assert prompt.regions == prompt.features == ()
    assert MARKER not in prompt.text


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=80),
    st.one_of(st.none(), st.text(max_size=80), st.text(alphabet="eyars nosface,.;<|>mut", max_size=80)),
    st.lists(st.sampled_from([*FEATURES, "Hat"]), unique=True),
    st.sampled_from(FLAVOURS),
    st.sampled_from([few, many]),
)
def test_any_text_is_assembled(prompt, caption, regions, flavour, count):
    made = assemble(prompt, regions, flavour=flavour, caption=caption, count=count)

    assert made == assemble(prompt, regions, flavour=flavour, caption=caption, count=count)
    assert made.text.count(MARKER) >= len(made.features)
    assert set(made.regions) <= set(regions)


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=40), st.lists(st.tuples(st.one_of(st.none(), st.text(max_size=60)), st.sampled_from([(), ALL])))
)
def test_any_captions_are_composed(prompt, people):
    composed = compose(prompt, [Caption(*person) for person in people], flavour=corrected(SD15))

    assert composed.text.startswith(prompt)
    assert len(composed.spans) == len(people)
    for mark in composed.marks:
        begin, end = composed.spans[mark.person]
        assert begin < mark.end <= end


class TestCorrected:
    flavour = corrected(SDXL)

    def test_markers_stand_in_the_captions_own_order(self):
        caption = "Eyes of blue, a broad nose and small ears."
        prompt = assemble("A man", ALL, flavour=self.flavour, caption=caption)

        assert prompt.text == f"A man ; Detail:Eyes {MARKER} of blue, a broad nose {MARKER} and small ears {MARKER}."
        assert prompt.features == ("eyes", "nose", "ears")
        assert prompt.regions == ("Left_Eye", "Left_Ear", "Nose")
        assert prompt.plain == "A man"

    @pytest.mark.parametrize(("text", "feature"), [("one eye", "eyes"), ("an EAR", "ears"), ("red lips", "mouth")])
    def test_other_forms_of_a_noun(self, text, feature):
        assert assemble("", ALL, flavour=self.flavour, caption=text).features == (feature,)

    def test_parts_of_words_are_not_nouns(self):
        assert assemble("", ALL, flavour=self.flavour, caption="surface, year, eyebrow, tear").features == ()

    @pytest.mark.parametrize(
        ("regions", "sentence"),
        [
            (("Face", "Right_Eye", "Lower_Lip"), "The person has one face, two eyes and a mouth."),
            (("Nose",), "The person has one nose."),
            (ALL, "The person has one face, one nose, two eyes, two ears, and a mouth."),
        ],
    )
    def test_the_fixed_sentence_names_what_was_found(self, regions, sentence):
        assert compose("", [Caption(None, regions)], flavour=self.flavour).text == "Detail:" + sentence

    def test_inpaint_has_no_word_for_the_face(self):
        composed = compose("A man", [Caption(None, ("Face",))], flavour=corrected(INPAINT))

        assert composed.text == "A man"
        assert composed.spans == ((5, 5),)

    def test_two_people(self):
        captions = [Caption("a long face", ("Face",)), Caption("nothing", ALL), Caption("blue eyes", ALL)]
        composed = compose("A man (old:1.2)", captions, flavour=self.flavour)

        assert composed.text == "A man (old:1.2) ; Detail:a long face blue eyes"
        assert [composed.text[slice(*span)] for span in composed.spans] == ["a long face", "", "blue eyes"]
        assert [(mark.person, mark.feature) for mark in composed.marks] == [(0, "face"), (2, "eyes")]
        assert [composed.text[: mark.end].split()[-1] for mark in composed.marks] == ["face", "eyes"]

    def test_captions_are_plain_text(self):
        composed = compose("", [Caption("(face:2)\n\\(x\\) embedding:nose", ALL)], flavour=self.flavour)

        assert composed.text == r"Detail:\(face:2\) \\(x\\) embedding :nose"

    @pytest.mark.comfy
    @pytest.mark.parametrize("caption", [*ODD.values(), "(face:2) embedding:easy", "((eyes", "\\(nose\\)", "nose)"])
    def test_comfyui_reads_captions_as_plain_text(self, caption):
        from comfy.sd1_clip import escape_important, token_weights, unescape_important

        text = compose("", [Caption(caption, ALL)], flavour=self.flavour).text
        read = [(unescape_important(part), weight) for part, weight in token_weights(escape_important(text), 1.0)]

        assert {weight for _, weight in read} <= {1.0}
        words = " ".join(caption.split()).replace("embedding:", "embedding :")
        assert "".join(part for part, _ in read) == ("Detail:" + words if text else "")
        assert not re.search(r"(^|\s)embedding:", text)
