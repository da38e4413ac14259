"""The miniature's calibration is that of the weights that ship, and comes out again."""

from __future__ import annotations

import pytest
from likeness.miniature.calibration import PATH, calibrate
from likeness.models.errors import InvalidSettingError
from likeness.models.miniature.files import FACES, read_face_networks
from likeness.models.similarity.calibration import find, read
from likeness.models.weights.fingerprint import fingerprint


def test_it_belongs_to_the_weights_that_ship():
    key = f"backbone {fingerprint(read_face_networks(FACES).backbone)}"
    found = find(key)
    assert found == read(PATH)
    assert found.same.people > 700


def test_ten_people_are_no_calibration():
    with pytest.raises(InvalidSettingError, match="of 10 people are no calibration"):
        calibrate(10)


@pytest.mark.slow
def test_other_people_say_the_same():
    shipped, again = read(PATH), calibrate(330, seed=7)
    assert again.recogniser == shipped.recogniser
    assert again.threshold == pytest.approx(shipped.threshold, abs=0.06)
    for cosine in (0.0, 0.4, 0.85, 0.95):
        assert again.percentage(cosine) == pytest.approx(shipped.percentage(cosine), abs=3)
