"""The second port: what steps keep to themselves, and that every guidance of the pack fits through it."""

import inspect

import pytest
import torch
from likeness.diffusers_host.reference_features import ReferenceReader
from likeness.models.omniportrait.reference_guidance import ReferenceGuidance
from likeness.models.port.guidance import FeatureReader, GradientGuidance, GuidedStep, NoiseLevels


def step():
    return GuidedStep(features=torch.zeros(1, 2, 3, 3), size=(6, 6), sigma=1.0, denoised=torch.zeros(1, 4, 6, 6))


def test_steps_keep_their_notes_apart():
    first, second = step(), step()
    first.memory["mask"] = 1
    assert second.memory == {}


def test_the_last_step_goes_down_to_no_noise():
    assert NoiseLevels(0.03) == NoiseLevels(current=0.03, following=0.0)


def members(protocol):
    return [name for name in vars(protocol) if not name.startswith("_") or name == "__call__"]


@pytest.mark.parametrize(("port", "found"), [(GradientGuidance, ReferenceGuidance), (FeatureReader, ReferenceReader)])
def test_what_is_handed_through_the_port_has_its_members_and_arguments(port, found):
    for name in members(port):
        asked = inspect.getattr_static(port, name)
        if isinstance(asked, property):
            assert name in found.__dataclass_fields__ or isinstance(inspect.getattr_static(found, name), property), name
        else:
            arguments = [list(inspect.signature(getattr(each, name)).parameters) for each in (port, found)]
            assert arguments[0] == arguments[1], name
