"""People become the residual that every host attaches."""

import pytest
import torch
from likeness.models.consistentid.application import people_residual
from likeness.models.consistentid.checkpoint import load
from likeness.models.consistentid.encode import EncodedPeople
from likeness.models.errors import InvalidSettingError
from likeness.models.placement.placements import Everywhere
from likeness.models.placement.windows import SigmaWindow
from likeness.tests.models.consistentid.conftest import HEAD, TOKENS, WIDTH
from likeness.tests.models.consistentid.small_encoders import person


@pytest.fixture
def build(consistentid_file):
    adapter = load(consistentid_file, dim_head=HEAD)

    def run(*people, **settings):
        encoded = EncodedPeople(
            tokens=torch.ones(len(people), TOKENS, WIDTH), null_tokens=torch.zeros(1, TOKENS, WIDTH)
        )
        return people_residual(
            adapter,
            people,
            encoded,
            Everywhere(len(people)),
            places=range(1, 1 + len(people)),
            window=lambda start, end: SigmaWindow(start=1 - start, end=1 - end),
            **settings,
        )

    return run


def test_strengths_are_factors_and_windows_the_host_s(build):
    residual = build(person("Ada", strength=3.0, start_percent=0.25), person("Bob", end_percent=0.5), strength=0.5)
    ada, bob = residual.identity.people
    assert (ada.name, ada.strength, bob.strength) == ("Ada", 1.5, 0.5)
    assert (ada.window.contains(0.7), ada.window.contains(0.8)) == (True, False)
    assert (bob.window.contains(0.6), bob.window.contains(0.4)) == (True, False)
    assert residual.places == (1, 2)


@pytest.mark.parametrize("strength", [-0.1, 2.1])
def test_a_strength_out_of_range_is_refused(build, strength):
    with pytest.raises(InvalidSettingError, match="strength is"):
        build(person(), strength=strength)
