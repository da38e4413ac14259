import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.models.consistentid.corrected import Corrected
from likeness.models.consistentid.facial_prompt import assemble
from likeness.models.consistentid.marked_text import MARKER
from likeness.models.consistentid.pipelines import INPAINT, SD15, SDXL
from likeness.models.consistentid.published import Published
from likeness.models.face.facial_features import FEATURES
from likeness.tests.models.consistentid.odd_captions import ALL, ODD

FLAVOURS = [behaviour(pipeline) for behaviour in (Published, Corrected) for pipeline in (SD15, SDXL, INPAINT)]


def few(text):
    """A count of ids that never makes a prompt too long."""
    return 0


def many(text):
    return 78


def test_regions_come_as_a_dict_that_stays_as_it_is():
    regions = dict.fromkeys(ALL, 1)
    prompt = assemble("A man", regions, flavour="sd15", caption="blue eyes", count=few)

    assert list(regions) == list(ALL)
    assert prompt.regions == ("Left_Eye",)


def test_parts_that_have_no_word_are_passed_over():
    prompt = assemble("A man", ["WithoutBackground", "Nose", "Hat"], flavour="sd15", count=few)

    assert prompt.regions == ("Nose",)


@pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda flavour: f"{flavour.mode} {flavour.pipeline.name}")
@pytest.mark.parametrize("caption", ODD.values(), ids=ODD)
def test_odd_captions(flavour, caption):
    first, second = (assemble("A man", ALL, flavour=flavour, caption=caption, count=few) for _ in range(2))

    assert first == second
    assert first.text.count(MARKER) == len(first.features)
    assert {FEATURES[name] for name in first.regions} >= set(first.features)
    assert MARKER not in first.plain


@pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda flavour: f"{flavour.mode} {flavour.pipeline.name}")
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
