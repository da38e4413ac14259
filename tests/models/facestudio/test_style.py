"""Two styles as one, and the words where that cannot be."""

import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError
from likeness.models.facestudio.style import Space, Style, hybrid_style

SPACE = Space("here", 4)


def style(source, value=1.0, space=SPACE):
    return Style(embedding=torch.full((1, space.width), value), space=space, source=source)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_alpha_goes_from_the_text_to_the_picture(alpha):
    found = hybrid_style(style("picture", 2.0), style("text", -1.0), alpha, SPACE)
    torch.testing.assert_close(found.embedding, torch.full((1, 4), 3 * alpha - 1))
    assert (found.alpha, found.note) == (alpha, "")


def test_a_missing_source_forces_alpha_and_is_said():
    picture = hybrid_style(style("picture"), None, 0.5, SPACE)
    assert picture.alpha == 1
    assert picture.note == "alpha is 1 and not 0.5: no text is connected."
    text = hybrid_style(None, style("text"), 0.5, SPACE)
    assert text.alpha == 0
    assert text.note == "alpha is 0 and not 0.5: no style picture is connected."
    assert hybrid_style(style("picture"), None, 1.0, SPACE).note == ""


def test_neither_source_is_an_error():
    with pytest.raises(InvalidSettingError, match="Nothing says what the picture is to look like"):
        hybrid_style(None, None, 0.5, SPACE)


def test_two_spaces_are_both_named():
    other = Space("there", 4)
    with pytest.raises(InvalidSettingError, match=r'"text" is of the space there \(4\).*reads here \(4\)'):
        hybrid_style(style("picture"), style("text", space=other), 0.5, SPACE)
    with pytest.raises(InvalidSettingError, match='"style" is of the space there'):
        hybrid_style(style("picture", space=other), None, 0.5, SPACE)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alpha_out_of_its_range_is_refused(alpha):
    with pytest.raises(InvalidSettingError, match="alpha"):
        hybrid_style(style("picture"), style("text"), alpha, SPACE)


def test_an_embedding_of_another_width_is_none_of_its_space():
    with pytest.raises(ShapeError, match="style embedding"):
        Style(embedding=torch.zeros(1, 5), space=SPACE, source="text")


def test_a_space_without_a_name_goes_by_its_width():
    unknown = Space.of_width(9)
    assert str(unknown) == "9 wide"
    assert unknown.fits(Space("miniature", 9))
    assert Space("miniature", 9).fits(unknown)
    assert not unknown.fits(Space("miniature", 8))
    assert not Space("one", 9).fits(Space("other", 9))
