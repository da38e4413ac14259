from dataclasses import replace

import pytest
from likeness.models.consistentid.checkpoint import TRAINED_AS, load
from likeness.models.consistentid.corrected import Corrected
from likeness.models.consistentid.flavour import choose_flavour, find_flavour
from likeness.models.consistentid.pipelines import INPAINT, SD15, SDXL
from likeness.models.consistentid.published import Published
from likeness.models.errors import InvalidSettingError
from likeness.tests.models.consistentid.conftest import HEAD


@pytest.mark.parametrize(
    ("name", "pipeline"), [("sd15", SD15), ("sdxl", SDXL), ("inpaint", INPAINT), ("base", INPAINT)]
)
def test_names_are_published_pipelines(name, pipeline):
    assert find_flavour(name) == Published(pipeline)


def test_a_flavour_stays_itself():
    own = Corrected(SDXL)

    assert find_flavour(own) is own


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(InvalidSettingError, match=r'"flux".*"sd15", "sdxl", "inpaint", "base"'):
        find_flavour("flux")


@pytest.fixture
def adapter(consistentid_file):
    return load(consistentid_file, dim_head=HEAD)


@pytest.mark.parametrize(
    ("mode", "noted", "behaviour"),
    [
        ("auto", "", Published),
        ("auto", "corrected", Corrected),
        ("published", "corrected", Published),
        ("corrected", "", Corrected),
    ],
)
def test_the_choice_counts_and_then_the_file(adapter, mode, noted, behaviour):
    trained = replace(adapter, metadata={TRAINED_AS: noted})
    assert choose_flavour(trained, mode, "text to image") == behaviour(SD15)


def test_width_and_purpose_tell_the_pipeline(adapter):
    wide = replace(adapter, context_dim=2048)
    assert choose_flavour(wide, "auto", "text to image") == Published(SDXL)
    assert choose_flavour(adapter, "corrected", "inpaint") == Corrected(INPAINT)
    with pytest.raises(InvalidSettingError, match=r"SD1\.5 only and this file is for SDXL; set purpose to"):
        choose_flavour(wide, "auto", "inpaint")
