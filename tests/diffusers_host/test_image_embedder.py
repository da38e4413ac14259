"""CLIP's image encoder with its projection from one file: sizes, activation, the vector of a picture, every refusal."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("transformers")

from likeness.diffusers_host.image_embedder import image_embeddings, load_image_embedder
from likeness.diffusers_host.image_encoder import load_image_encoder
from likeness.models.errors import UnknownCheckpointError
from likeness.tools.weights import layouts
from likeness.tools.weights.write import fill
from torch.nn.functional import linear


def small(width=64, outputs=12):
    layout = {**layouts.clip_vision(2, width), "visual_projection.weight": (outputs, width)}
    return fill({"": layout}, torch.float32)[""]


def pictures(rows=2):
    return torch.randn(rows, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def test_openais_layout_becomes_the_full_size_network():
    layout = {**layouts.clip_vision(24, 1024), "visual_projection.weight": (768, 1024)}
    weights = {key: torch.empty(shape, device="meta") for key, shape in layout.items()}
    encoder = load_image_embedder(weights, activation="quick_gelu")
    assert (encoder.config.hidden_act, encoder.config.num_attention_heads) == ("quick_gelu", 16)
    assert image_embeddings(encoder, torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 768)


def test_the_vector_is_projected_and_of_no_fixed_length():
    weights = small()
    plain = image_embeddings(load_image_embedder(weights, activation="quick_gelu"), pictures())
    doubled = {**weights, "visual_projection.weight": 2 * weights["visual_projection.weight"]}
    twice = image_embeddings(load_image_embedder(doubled, activation="quick_gelu"), pictures())
    torch.testing.assert_close(twice, 2 * plain)
    encoder = load_image_embedder(weights, activation="quick_gelu")
    with torch.no_grad():
        pooled = encoder.vision_model(pixel_values=pictures()).pooler_output
    torch.testing.assert_close(plain, linear(pooled, weights["visual_projection.weight"]))
    assert not any(weight.requires_grad for weight in encoder.parameters())


def test_the_activation_counts():
    quick, exact = (
        image_embeddings(load_image_embedder(small(), activation=each), pictures()) for each in ("quick_gelu", "gelu")
    )
    assert not torch.allclose(quick, exact, rtol=1e-4)


def test_a_text_tower_and_a_table_of_positions_are_passed_over():
    more = {
        "vision_model.embeddings.position_ids": torch.arange(257)[None],
        "text_model.a": torch.ones(1),
        "logit_scale": torch.ones(()),
    }
    first, second = (
        image_embeddings(load_image_embedder(each, activation="quick_gelu"), pictures(1))
        for each in (small(), small() | more)
    )
    assert torch.equal(first, second)


@pytest.mark.parametrize("key", ["visual_projection.weight", "vision_model.pre_layrnorm.weight"])
def test_another_file_is_refused(key):
    weights = small()
    del weights[key]
    with pytest.raises(UnknownCheckpointError, match=r"image encoder, does not fit: .*1 missing"):
        load_image_embedder(weights, activation="quick_gelu")


def test_openclips_vit_h_has_sixteen_heads_as_where_its_hidden_states_are_read():
    layout = {**layouts.clip_vision(32, 1280), "visual_projection.weight": (1024, 1280)}
    weights = {key: torch.empty(shape, device="meta") for key, shape in layout.items()}
    plain = load_image_encoder({key: tensor for key, tensor in weights.items() if "visual_projection" not in key})
    encoder = load_image_embedder(weights, activation="gelu")
    assert encoder.config.num_attention_heads == plain.config.num_attention_heads == 16
