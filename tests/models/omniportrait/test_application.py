"""People and references as the guidance of a UNet."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.application import reference_guidance
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.omniportrait.guided_person import ReferencePicture
from likeness.models.omniportrait.mask_sources import FaceMasks
from likeness.models.placement.windows import ALWAYS, SigmaWindow
from likeness.models.port.guidance import FeatureCapture
from likeness.tests.models.omniportrait.small_people import person

SETTINGS, CAPTURE = GuidanceSettings(window=ALWAYS), FeatureCapture(2)
PICTURE = ReferencePicture(torch.zeros(1, 4, 4, 4), torch.ones(4, 4))


def test_people_keep_place_mask_strength_and_the_hosts_own_window():
    mask = torch.ones(1, 4, 4)
    people = {1: person("Ben", strength=0.4, start=0.2, end=0.6), 3: person("Dan", mask=mask)}
    source = FaceMasks(lambda latent: [])
    found = reference_guidance(
        people,
        {1: (PICTURE,), 3: (PICTURE, PICTURE)},
        settings=SETTINGS,
        capture=CAPTURE,
        source=source,
        window=lambda start, end: SigmaWindow(10 * (1 - start), 10 * (1 - end)),
    )
    ben, dan = found.people
    assert (ben.name, ben.place, ben.mask, ben.strength) == ("Ben", 1, None, 0.4)
    assert (ben.window.start, ben.window.end) == (pytest.approx(8.0), pytest.approx(4.0))
    assert (dan.place, len(dan.references), dan.strength) == (3, 2, 1.0)
    assert torch.equal(dan.mask, mask)
    assert (found.settings, found.capture, found.source) == (SETTINGS, CAPTURE, source)


def test_without_a_schedule_people_act_all_the_time():
    [ann] = reference_guidance(
        {0: person(mask=torch.ones(4, 4))}, {0: (PICTURE,)}, settings=SETTINGS, capture=CAPTURE
    ).people
    assert ann.window == ALWAYS


def test_somebody_of_whom_nothing_says_where_they_are_is_named():
    with pytest.raises(InvalidSettingError, match='where "Ann" is'):
        reference_guidance({0: person()}, {0: (PICTURE,)}, settings=SETTINGS, capture=CAPTURE)
