"""CLIP's image encoder from one file: sizes from the weights, the tokens that UniPortrait reads, every refusal."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("transformers")

from likeness.diffusers_host.image_encoder import hidden_tokens, image_tokens, load_image_encoder
from likeness.models.errors import UnknownCheckpointError
from likeness.tests.training.small_files import small_clip_vision
from likeness.tools.weights import layouts
from transformers import CLIPVisionConfig, CLIPVisionModel


def test_the_published_layout_becomes_the_full_size_network():
    weights = {key: torch.empty(shape, device="meta") for key, shape in layouts.clip_vision().items()}
    encoder = load_image_encoder(weights)
    assert sum(weight.numel() for weight in encoder.parameters()) == 630766080
    assert encoder.config.num_attention_heads == 16
    assert encoder.config.hidden_act == "gelu"
    assert image_tokens(encoder, torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 256, 1280)


def test_tokens_are_those_before_the_last_layer():
    weights = small_clip_vision()
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    tokens = image_tokens(load_image_encoder(dict(weights)), pixels)
    assert tokens.shape == (2, 256, 32)
    for key in list(weights):
        if "layers.1." in key or "post_layernorm" in key:
            weights[key] = weights[key] * 3
    assert torch.equal(image_tokens(load_image_encoder(dict(weights)), pixels), tokens)
    weights["vision_model.encoder.layers.0.mlp.fc1.weight"] *= 3
    assert not torch.equal(image_tokens(load_image_encoder(weights), pixels), tokens)


def test_openai_s_encoder_has_its_own_activation():
    weights = {key: torch.empty(shape, device="meta") for key, shape in layouts.clip_vision(24, 1024).items()}
    assert load_image_encoder(weights).config.hidden_act == "quick_gelu"


def test_a_table_of_positions_is_passed_over():
    positions = {"vision_model.embeddings.position_ids": torch.arange(257)[None]}
    assert load_image_encoder(small_clip_vision() | positions).config.hidden_size == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.clear(), "keys 3 missing"),
        (lambda weights: weights.pop("vision_model.pre_layrnorm.weight"), "1 missing"),
        (lambda weights: weights.update({"vision_model.extra": torch.ones(1)}), "1 unexpected"),
    ],
)
def test_another_file_is_refused(change, message):
    weights = small_clip_vision()
    change(weights)
    with pytest.raises(UnknownCheckpointError, match=f"image encoder, does not fit: .*{message}"):
        load_image_encoder(weights)


def test_hidden_tokens_are_the_penultimate_tokens_with_the_class_token():
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=1, patch_size=56
    )
    encoder = CLIPVisionModel(config).eval()
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    features = hidden_tokens(encoder, pixels)
    assert features.shape == (2, 17, 8)
    torch.testing.assert_close(features[:, 1:], image_tokens(encoder, pixels))
    assert not features.requires_grad
