"""The widgets of Apply Reference-Based Guidance are what the science knows."""

from __future__ import annotations

import pytest
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.placement.windows import ALWAYS

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def widgets():
    from likeness.nodes.omniportrait.guidance import guidance_widgets

    return {each.id: each for each in guidance_widgets()}


def test_choices_and_defaults(widgets):
    choices = {name: list(each.options) for name, each in widgets.items() if hasattr(each, "options")}
    assert choices == {
        "strength_mode": ["relative", "paper_mean", "paper_sum"],
        "step_mode": ["eps", "x0_only"],
        "features": ["coarse", "fine"],
    }
    defaults = {name: each.default for name, each in widgets.items()}
    assert defaults == {
        "strength": 1.0, "start_percent": 0.4, "end_percent": 1.0,
        "strength_mode": "relative", "every_k": 1, "step_mode": "eps", "features": "coarse", "reference_size": 0,
        "reference_percent": 0.329, "seeds": 4, "keep_background": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("widget", "setting"),
    [("strength", "strength"), ("every_k", "every"), ("reference_percent", "reference_percent"), ("seeds", "seeds")],
)
def test_the_ends_of_each_range_are_those_that_the_settings_take(widgets, widget, setting):
    each = widgets[widget]
    for value in (each.min, each.max):
        GuidanceSettings(window=ALWAYS, **{setting: value})
    with pytest.raises(InvalidSettingError):
        GuidanceSettings(window=ALWAYS, **{setting: each.max + 1})
    with pytest.raises(InvalidSettingError):
        GuidanceSettings(window=ALWAYS, **{setting: each.min - 1})
