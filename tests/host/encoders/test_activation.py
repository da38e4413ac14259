"""The activation that a CLIP_VISION runs with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError

pytestmark = pytest.mark.comfy

SIZES = {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 1, "num_hidden_layers": 2, "patch_size": 56}
OTHER = SimpleNamespace(model=torch.nn.Linear(2, 2), image_size=224)


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
def test_the_activation_is_told_by_what_it_does(vision_model, activation):
    from likeness.host.encoders.activation import activation_of, require_activation

    vision = vision_model(**SIZES, hidden_act=activation)
    assert activation_of(vision) == activation
    require_activation(vision, activation)
    other = {"quick_gelu": "gelu", "gelu": "quick_gelu"}[activation]
    with pytest.raises(IncompatibleBaseModelError, match=f"activation {activation}, .* trained with {other}"):
        require_activation(vision, other)


def test_activations_of_other_kinds_have_no_name(vision_model):
    from likeness.host.encoders.activation import activated, activation_of

    assert activation_of(vision_model(**SIZES, hidden_act="gelu_pytorch_tanh")) is None
    assert activation_of(OTHER) is None
    with pytest.raises(IncompatibleBaseModelError, match="of another kind"):
        activated(OTHER, "gelu")


def test_a_model_of_ones_own_gets_the_activation_that_its_weights_were_trained_with(vision_model):
    from likeness.host.encoders.activation import ActivatedEmbedder, activated
    from likeness.host.encoders.image_encoder import ClipVisionEmbedder

    pixels = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    exact, quick = (vision_model(**SIZES, hidden_act=each) for each in ("gelu", "quick_gelu"))
    expected, other = (ClipVisionEmbedder(each).embeddings(pixels) for each in (exact, quick))
    assert not torch.equal(expected, other)
    turned = activated(quick, "gelu")
    assert turned is quick
    embedder = ActivatedEmbedder(ClipVisionEmbedder(turned), "gelu")
    assert torch.equal(embedder.embeddings(pixels), expected)
    assert embedder.width == 8


def test_the_same_weights_with_another_activation_have_another_key(vision_model):
    from likeness.host.encoders.activation import ActivatedEmbedder
    from likeness.host.encoders.image_encoder import ClipVisionEmbedder

    vision = vision_model(**SIZES)
    keys = {ActivatedEmbedder(ClipVisionEmbedder(vision), each).key for each in ("gelu", "quick_gelu")}
    assert len(keys) == 2
