"""How guided people are found: as a placement says, at their faces where it says nothing."""

from __future__ import annotations

from typing import Any

import pytest
from likeness.models.omniportrait.mask_sources import AttentionMasks, FaceMasks, PlacedMasks
from likeness.tests.host.omniportrait.small_guidance import VAE, Detector, Router, Vae, by_face, by_words, half, people

pytestmark = pytest.mark.comfy


@pytest.fixture
def find(loaded_model):
    from likeness.host.omniportrait.finding import find_guided

    loaded_model.model.current_patcher = loaded_model
    return lambda where, *masks: find_guided(loaded_model, dict(enumerate(people(*masks))), where, VAE)


def test_a_placement_becomes_what_finds_people(find):
    vae, detector = Vae(), Detector()
    found: Any = find(by_face(lambda: detector, "most alike", vae=vae), None, half())
    assert isinstance(found.source, FaceMasks)
    assert (found.source.order, found.states) == ("most alike", ["at their face", "mask"])
    assert isinstance(find(by_words(), None).source, AttentionMasks)
    assert find(by_words(), None).states == ["at their words"]


def test_a_router_is_read_in_the_guided_pass_and_nobody_is_looked_for_beside_masks(find, loaded_model):
    from likeness.host.memory import manage
    from likeness.host.placement import LoadedPlacement
    from likeness.models.placement.placements import Everywhere
    from torch import nn

    router = Router(Everywhere(2), manage(nn.Linear(1, 1)))
    routed = find(LoadedPlacement("router", router), None, None)
    assert isinstance(routed.source, PlacedMasks)
    assert routed.states == ["router", "router"]
    assert routed.watched(loaded_model) is not loaded_model
    masked = find(by_face(), half(), half("right"))
    assert masked.source is None
    assert masked.states == ["mask", "mask"]
    assert masked.watched(loaded_model) is loaded_model


def test_a_preview_is_decoded_by_the_guidances_vae_where_the_placement_has_none(find, monkeypatch):
    from likeness.host.omniportrait import finding
    from likeness.host.placement import LoadedPlacement

    asked = []
    monkeypatch.setattr(
        finding, "choose_detector", lambda choice, **options: asked.append((choice, options)) or Detector()
    )
    found: Any = find(LoadedPlacement("faces"), None)
    assert asked == [("auto", {"remembers": False})]
    assert isinstance(found.source, FaceMasks)
    assert found.source.order == "left to right"
