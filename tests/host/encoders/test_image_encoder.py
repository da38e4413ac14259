"""ComfyUI's CLIP vision models as image encoders."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError

pytestmark = pytest.mark.comfy

SIZES = {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 1, "num_hidden_layers": 3, "patch_size": 56}


@pytest.fixture
def encoder():
    from likeness.host.encoders.image_encoder import image_encoder

    return lambda vision, width=8, size=224: image_encoder(vision, width=width, size=size)


@pytest.fixture
def pixels():
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(5))


def test_tokens_are_the_penultimate_ones_of_normalised_pixels(vision_model, encoder):
    """The same as ComfyUI's own way, which normalises first."""
    vision = vision_model(**SIZES)
    bytes_ = torch.randint(0, 256, (2, 224, 224, 3), generator=torch.Generator().manual_seed(1))
    image = bytes_.float() / 255
    mean, std = (torch.tensor(getattr(vision, name)) for name in ("image_mean", "image_std"))
    found = encoder(vision).tokens(((image - mean) / std).movedim(-1, 1))
    assert (found.dtype, found.device.type, found.requires_grad) == (torch.float32, "cpu", False)
    torch.testing.assert_close(
        found, vision.encode_image(image)["penultimate_hidden_states"].float(), atol=1e-4, rtol=1e-4
    )


def test_the_last_layer_does_not_count(vision_model, encoder, pixels):
    from likeness.host.encoders.image_encoder import ClipVisionEncoder

    vision = vision_model(**SIZES)
    before = ClipVisionEncoder(vision).tokens(pixels)
    layers = vision.model.vision_model.encoder.layers
    with torch.no_grad():
        layers[-1].mlp.fc1.weight.mul_(3)
    assert torch.equal(ClipVisionEncoder(vision).tokens(pixels), before)
    with torch.no_grad():
        layers[-2].mlp.fc1.weight.mul_(3)
    assert not torch.equal(ClipVisionEncoder(vision).tokens(pixels), before)
    assert encoder(vision).width == 8


@pytest.mark.parametrize(("width", "size", "seen"), [(16, 224, "8 wide .* needs 16 and 224"), (8, 336, "8 and 336")])
def test_an_encoder_of_another_size_is_refused(vision_model, encoder, width, size, seen):
    with pytest.raises(IncompatibleBaseModelError, match=f"This CLIP vision model is {seen}|needs {seen}"):
        encoder(vision_model(**SIZES), width, size)


def test_an_image_encoder_of_another_kind_is_refused(encoder):
    from types import SimpleNamespace

    other = SimpleNamespace(model=torch.nn.Linear(2, 2), image_size=224)
    with pytest.raises(IncompatibleBaseModelError, match="is None wide"):
        encoder(other)


def test_a_picture_is_encoded_once_whoever_asks_for_the_same_weights(vision_model, encoder, pixels):
    sizes = SIZES | {"intermediate_size": 20}  # weights that no other test has
    first, again = vision_model(**sizes), vision_model(**sizes)
    seen = []
    for each in (first, again):
        each.model.register_forward_hook(lambda *_: seen.append(1))
    expected = encoder(first).tokens(pixels)
    assert torch.equal(encoder(again).tokens(pixels.flip(0)), expected.flip(0))
    assert len(seen) == 2


def test_the_key_names_the_weights_whatever_their_type(vision_model, encoder):
    key = encoder(vision_model(**SIZES)).key
    assert encoder(vision_model(**SIZES)).key == key
    half = vision_model(**SIZES)
    half.model.half()
    assert encoder(half).key == key
    other = vision_model(**SIZES)
    with torch.no_grad():
        other.model.vision_model.embeddings.patch_embedding.weight.mul_(2)
    assert encoder(other).key != key
