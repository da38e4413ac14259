"""What windows gave is put together picture by picture; guidance acts on every picture of every window."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import LikenessError
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.omniportrait.guided_person import GuidedPerson
from likeness.models.omniportrait.reference_guidance import ReferenceGuidance
from likeness.models.placement.windows import ALWAYS
from likeness.models.port.guidance import FeatureCapture
from likeness.tests.host.unet.test_tiles import tiled
from likeness.tests.host.windowed import PICTURES, STEPS, windowed

pytestmark = pytest.mark.comfy


def test_pictures_that_windows_share_get_the_mean():
    from likeness.host.guidance.step import Pieces

    pieces = Pieces(4)
    assert pieces.mean() is None
    with torch.inference_mode():
        pieces.add(torch.tensor([[1.0], [2.0]]), (0, 1))
    pieces.add(torch.tensor([[4.0], [8.0]]), (1, 3))
    whole = pieces.mean()
    assert whole is not None
    assert whole.flatten().tolist() == [1.0, 3.0, 0.0, 8.0]


@pytest.fixture
def guided(loaded_model):
    """A MODEL that pulls somebody in another half of each picture."""
    from likeness.host.guidance.attach import guide

    mask = torch.zeros(PICTURES, 16, 16)
    mask[:2, :, :8] = mask[2:, :, 8:] = 1
    features = torch.randn(6, 128, generator=torch.Generator().manual_seed(0))
    guidance = ReferenceGuidance(
        people=(GuidedPerson(name="Ann", features=features, mask=mask),),
        settings=GuidanceSettings(mode="paper_mean", strength=300.0, window=ALWAYS),
        capture=FeatureCapture(5),
    )
    with torch.inference_mode():
        return guide(loaded_model, guidance)


def test_guided_pictures_are_the_same_with_and_without_windows(guided, loaded_model, drawn):
    from likeness.host.sampling.runs import find_guidance_history

    settings = {"batch": PICTURES, "steps": STEPS}
    in_windows = windowed(guided)
    whole, parts = drawn(guided, **settings), drawn(in_windows, **settings)
    torch.testing.assert_close(parts, whole, atol=1e-2, rtol=1e-2)
    moved = (whole - drawn(loaded_model, **settings)).abs().amax((1, 2, 3))
    assert (moved > 0.1).all()
    expected, found = find_guidance_history(guided, whole), find_guidance_history(in_windows, parts)
    torch.testing.assert_close(found.masks["Ann"], expected.masks["Ann"])
    assert [len(entry.likeness) for entry in found.entries] == [PICTURES] * STEPS
    torch.testing.assert_close(found.curve("Ann"), expected.curve("Ann"), atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("together", [1, 2])
def test_parts_of_pictures_are_refused(guided, drawn, together):
    with pytest.raises(LikenessError, match=r"Guidance needs whole pictures.*remove the tiling node"):
        drawn(tiled(guided, together), size=(16, 32), steps=1)


def test_strips_of_pictures_are_refused(guided, drawn):
    strips = windowed(guided, dim=2, context_length=8, context_overlap=0)
    with pytest.raises(LikenessError, match=r"needs whole pictures.*context windows to dim 0"):
        drawn(strips, steps=1)
