"""Ways to draw the world."""

import pytest
import torch
from likeness.miniature.world.styles import STYLES, restyle
from likeness.miniature.world.world import World
from likeness.models.errors import InvalidSettingError, ShapeError


@pytest.fixture(scope="module")
def pictures():
    return World(seed=3).scenes(range(3)).image


def test_flat_pictures_are_untouched(pictures):
    assert torch.equal(restyle(pictures, ["flat"] * 3), pictures)


@pytest.mark.parametrize("style", STYLES[1:])
def test_a_style_is_plainly_to_be_seen_and_leaves_the_colours(pictures, style):
    drawn = restyle(pictures, [style] * 3)
    assert drawn.shape == pictures.shape
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert (drawn - pictures).abs().mean() > 0.04
    assert (drawn - pictures).abs().mean() < 0.25


def test_each_picture_has_its_own_style_and_does_not_see_the_others(pictures):
    drawn = restyle(pictures, ["chalk", "flat", "sketch"])
    for row, style in enumerate(("chalk", "flat", "sketch")):
        torch.testing.assert_close(drawn[row : row + 1], restyle(pictures[row : row + 1], [style]))


def test_what_is_no_style_is_refused(pictures):
    with pytest.raises(InvalidSettingError, match="oil"):
        restyle(pictures, ["oil", "flat", "flat"])
    with pytest.raises(InvalidSettingError, match="in 1 styles"):
        restyle(pictures, ["flat"])
    with pytest.raises(ShapeError):
        restyle(pictures[0], ["flat"])
