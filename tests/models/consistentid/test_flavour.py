from dataclasses import asdict

import pytest
from likeness.models.consistentid.flavour import INPAINT, SD15, SDXL, corrected, flavour
from likeness.models.errors import InvalidSettingError


def differing(one, other):
    return {name for name, value in asdict(one).items() if value != asdict(other)[name]}


@pytest.mark.parametrize(
    ("name", "expected"), [("sd15", SD15), ("sdxl", SDXL), ("inpaint", INPAINT), ("base", INPAINT)]
)
def test_names(name, expected):
    assert flavour(name) is expected


def test_a_flavour_stays_itself():
    own = corrected(SDXL)

    assert flavour(own) is own


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(InvalidSettingError, match=r'"flux".*"sd15", "sdxl", "inpaint", "base"'):
        flavour("flux")


def test_what_the_pipelines_do_differently():
    assert differing(SD15, INPAINT) == {"name", "caption", "control_context", "guidance"}
    assert differing(SD15, SDXL) == {
        "name", "caption", "joiner", "long_prefix", "parsing_size", "detection_size", "channel_order", "shortcut",
        "text_only", "width", "guidance",
    }  # fmt: skip


@pytest.mark.parametrize("published", [SD15, SDXL, INPAINT])
def test_corrections_leave_what_the_weights_were_trained_with(published):
    mine = corrected(published)

    for name in ("caption", "parsing_size", "detection_size", "shortcut", "s_scale", "text_only", "width", "guidance"):
        assert getattr(mine, name) == getattr(published, name)
    assert (mine.pairing, mine.channel_order, mine.merge_inclusive, mine.fused_negative) == (
        "name",
        "BGR",
        False,
        False,
    )
    assert mine.several_people
    assert mine.longest_caption is None
    assert not mine.literal_text
    assert not mine.control_context
    assert mine.second_tokenizer_knows_markers
    assert corrected(mine) == mine
