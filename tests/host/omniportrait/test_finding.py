"""Ways to find people while sampling, as values."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from likeness.models.omniportrait.mask_sources import AttentionMasks, FaceMasks
from likeness.tests.host.omniportrait.small_guidance import Detector, Vae

pytestmark = pytest.mark.comfy
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


def test_boxes_are_shares_of_each_picture(loaded_model):
    from likeness.host.omniportrait.finding import PreviewFaces

    loaded_model.model.current_patcher = loaded_model
    vae = Vae()
    latents = torch.zeros(2, 4, 16, 8)  # pictures of 128 by 64
    first, second = PreviewFaces(vae, Detector(), loaded_model.model)(latents)
    assert torch.equal(first, second)
    torch.testing.assert_close(first[1], torch.tensor([4 / 64, 24 / 128, 44 / 64, 88 / 128]))
    assert torch.equal(vae.decoded[0], latents)


def test_a_picture_without_a_face_has_no_box_and_the_model_is_loaded_again(loaded_model, monkeypatch):
    from comfy import model_management
    from likeness.host.omniportrait.finding import PreviewFaces

    class Blind(Detector):
        def find(self, pictures):
            return ([] for _ in pictures)

    loads = []
    monkeypatch.setattr(model_management, "load_models_gpu", lambda models, **_: loads.append(models))
    loaded_model.model.current_patcher = loaded_model
    [boxes] = PreviewFaces(Vae(), Blind(), loaded_model.model)(torch.zeros(1, 4, 16, 16))
    assert boxes.shape == (0, 4)
    assert loads == [[loaded_model]]
