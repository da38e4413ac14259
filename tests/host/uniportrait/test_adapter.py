"""UniPortrait's networks under ComfyUI's memory management, and its routers for any method."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError, InvalidSettingError, MissingModelFileError
from likeness.models.uniportrait.application import Routed
from likeness.models.uniportrait.encode import encode_people
from likeness.tests.host.conftest import CLIP_WIDTH, CONTEXT, TOKENS
from likeness.tests.people import PixelMaps

pytestmark = pytest.mark.comfy


@pytest.fixture
def router(adapter):
    from likeness.host.uniportrait.adapter import UniPortraitRouter

    return lambda structure_scale=-1.0, uniportrait=adapter: UniPortraitRouter(uniportrait, structure_scale)


def test_the_width_of_the_image_encoder_follows_from_the_weights(adapter):
    assert adapter.clip_width == CLIP_WIDTH


def test_people_are_encoded_by_the_adapter_s_own_module(adapter, chain):
    found = adapter.encode(chain(2), 0.2)
    with torch.no_grad():
        expected = encode_people(chain(2), adapter.encoders, adapter.adapter.id_embedding, 0.2)
    assert found.tokens.shape == (2, TOKENS, CONTEXT)
    assert torch.equal(found.tokens, expected.tokens)
    assert not found.tokens.requires_grad


def test_without_an_image_encoder_what_to_do_is_said(adapter, chain):
    with pytest.raises(MissingModelFileError, match=f"{CLIP_WIDTH} wide.*put it into models/clip_vision"):
        replace(adapter, clip=None).encode(chain(1), 0.2)


def test_the_routers_tell_the_people_s_tokens_apart(router, adapter, chain):
    placement = router().route(chain(2))
    assert isinstance(placement, Routed)
    assert torch.equal(placement.tokens, adapter.encode(chain(2), 0.3).tokens), "0.3 is taken for several people"
    assert router().weights is adapter.attention


def test_a_structure_scale_that_was_asked_for_is_taken(router, adapter, chain):
    placement = router(0.05).route(chain(2))
    assert torch.equal(placement.tokens, adapter.encode(chain(2), 0.05).tokens)
    assert not torch.equal(placement.tokens, router().route(chain(2)).tokens)
    with pytest.raises(InvalidSettingError, match="structure_scale"):
        router(1.5).route(chain(2))


def test_without_the_router_file_nobody_is_told_apart(router, uniportrait_files, chain):
    from likeness.host.uniportrait.adapter import load_uniportrait

    single = load_uniportrait(uniportrait_files / "faceid.bin", uniportrait_files / "backbone.bin")
    with pytest.raises(InvalidSettingError, match="2 people need the router file"):
        router(uniportrait=single).route(chain(2))


def test_attention_and_encoders_are_managed_apart(uniportrait_files):
    """The first stay with the MODEL while it samples, the second are needed before alone."""
    from likeness.host.uniportrait.adapter import load_uniportrait

    files = (uniportrait_files / f"{name}.bin" for name in ("faceid", "backbone", "router", "ip-adapter"))
    loaded = load_uniportrait(*files)
    assert set(dict(loaded.encoder.model.named_children())) == {"id_embedding", "image_prompt"}
    assert set(dict(loaded.attention.model.named_children())) == {"face", "routers", "image_prompt"}
    assert not any(parameter.requires_grad for parameter in loaded.attention.model.parameters())


def test_an_image_encoder_of_another_width_is_refused(adapter, vision_model):
    from likeness.host.uniportrait.adapter import new_uniportrait

    vision = vision_model(
        hidden_size=8, intermediate_size=16, num_attention_heads=1, num_hidden_layers=2, patch_size=56
    )
    with pytest.raises(IncompatibleBaseModelError, match=f"8 wide .* needs {CLIP_WIDTH}"):
        new_uniportrait(adapter.adapter, adapter.backbone, vision)
    narrower = PixelMaps((4, 6, 5, 10))  # the image encoder has what the backbone's maps leave
    assert new_uniportrait(adapter.adapter, narrower, vision).clip.width == 8


def test_a_router_of_another_architecture_is_refused_before_it_runs(adapter, tiny_model):
    from likeness.host.uniportrait.adapter import UniPortraitRouter

    router = UniPortraitRouter(adapter, structure_scale=0.3)
    router.require_fit(tiny_model())
    with pytest.raises(IncompatibleBaseModelError, match=r"16 cross-attention layers .* this model has 70"):
        router.require_fit(tiny_model("sdxl"))
