from __future__ import annotations

import pytest
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.placement.windows import ALWAYS, SigmaWindow


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"strength": -0.1}, "strength"),
        ({"strength": 1001.0}, "strength"),
        ({"reference_percent": 1.5}, "reference_percent"),
        ({"seeds": 0}, "seeds is 0; choose 1 to 64"),
        ({"seeds": 65}, "seeds is 65"),
        ({"every": 0}, "every_k is 0; choose 1 to 100"),
        ({"every": 101}, "every_k is 101"),
    ],
)
def test_numbers_out_of_range_are_named(wrong, named):
    with pytest.raises(InvalidSettingError, match=named):
        GuidanceSettings(window=ALWAYS, **wrong)


@pytest.mark.parametrize(
    ("settings", "nothing"),
    [
        ({"window": ALWAYS}, False),
        ({"window": ALWAYS, "strength": 0.0}, True),
        ({"window": SigmaWindow(2.0, 2.0)}, True),
        ({"window": SigmaWindow(1.0, 2.0)}, True),
        ({"window": SigmaWindow(2.0)}, False),
    ],
)
def test_without_strength_or_window_nothing_is_done(settings, nothing):
    assert GuidanceSettings(**settings).does_nothing is nothing
