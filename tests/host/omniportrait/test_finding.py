"""Ways to find people while sampling, as values."""

from __future__ import annotations

from typing import Any

import pytest
from likeness.models.omniportrait.attention_masks import AttentionMasks
from likeness.models.omniportrait.face_masks import FaceMasks
from likeness.tests.host.omniportrait.small_guidance import Detector, Vae

pytestmark = pytest.mark.comfy


def test_a_way_gives_what_finds_people(loaded_model):
    from likeness.host.omniportrait.finding import ByFace, ByMaskAlone, ByWord

    vae, asked = Vae(), []

    def detector():
        asked.append(Detector())
        return asked[-1]

    by_face = ByFace(detector, "most alike")
    assert not asked
    found = by_face.source(loaded_model, vae)
    assert isinstance(found, FaceMasks)
    assert found.order == "most alike"
    look: Any = found.look
    assert (look.vae, look.detector, look.model) == (vae, asked[0], loaded_model.model)
    assert isinstance(ByWord().source(loaded_model, vae), AttentionMasks)
    assert ByMaskAlone().source(loaded_model, vae) is None


def test_what_is_said_of_people_tells_the_ways_apart():
    from likeness.host.omniportrait.finding import ByFace, ByMaskAlone, ByWord

    assert len({way.how for way in (ByFace(Detector), ByMaskAlone(), ByWord())}) == 3
