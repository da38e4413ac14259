"""Training and nodes see the same: the trainer's CLIP image encoder against ComfyUI's, same weights."""

import pytest
import torch

pytest.importorskip("transformers")

from likeness.diffusers_host.image_encoder import image_tokens, load_image_encoder

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize(("width", "activation"), [(32, "gelu"), (1024, "quick_gelu")])
def test_both_encoders_give_the_same_tokens(vision_model, width, activation):
    from likeness.host.encoders.image_encoder import ClipVisionEncoder

    vision = vision_model(
        hidden_size=width, intermediate_size=64, num_attention_heads=16, num_hidden_layers=3, patch_size=14,
        hidden_act=activation,
    )  # fmt: skip
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    expected = ClipVisionEncoder(vision).tokens(pixels)[:, 1:]
    got = image_tokens(load_image_encoder(dict(vision.model.state_dict())), pixels)
    assert got.shape == expected.shape == (2, 256, width)
    torch.testing.assert_close(got, expected, atol=2e-5, rtol=1e-4)
