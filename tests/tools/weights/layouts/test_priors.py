"""Priors: every key and shape as published, and loaded from them without values."""

from __future__ import annotations

import json
from pathlib import Path

import likeness
import pytest
import torch
from likeness.models.clip.prior import EmbeddingPrior, PriorSizes
from likeness.tests.tools.weights.layouts.counting import count
from likeness.tools.weights import layouts
from likeness.tools.weights.write import PRIOR_BIGG, PRIOR_VITL

MANIFEST = Path(likeness.__file__).parent / "tests" / "parity" / "prior" / "manifest_prior.json"
PUBLISHED = {768: "karlo_v1", 1280: "kandinsky_2_2"}


def published(embedding):
    """Keys and shapes of a published prior; the manifest writes out the first block."""
    found = json.loads(MANIFEST.read_text(encoding="utf-8"))["layouts"][PUBLISHED[embedding]]
    shapes = {key: tuple(shape) for key, shape in found["keys"].items()}
    for key in [key for key in shapes if key.startswith("transformer_blocks.0.")]:
        for number in range(found["config"]["num_layers"]):
            shapes[key.replace(".0.", f".{number}.", 1)] = shapes[key]
    return shapes, found["parameters"]


@pytest.mark.parametrize("embedding", PUBLISHED)
def test_every_key_and_shape_is_the_published_one(embedding):
    shapes, parameters = published(embedding)
    assert layouts.prior(embedding) == shapes
    assert count(layouts.prior(embedding)) == parameters


@pytest.mark.parametrize("embedding", PUBLISHED)
def test_the_full_layout_loads_on_the_meta_device(embedding):
    with torch.device("meta"):
        weights = {key: torch.empty(shape) for key, shape in layouts.prior(embedding).items()}
    prior = EmbeddingPrior.from_state_dict(weights)
    assert prior.sizes == PriorSizes(
        width=2048, dim_head=64, depth=20, embedding=embedding, text=embedding, text_tokens=77
    )
    assert {key: tuple(tensor.shape) for key, tensor in prior.state_dict().items()} == layouts.prior(embedding)
    assert prior.layout is not None


@pytest.mark.parametrize(("file", "embedding"), [(PRIOR_BIGG, 1280), (PRIOR_VITL, 768)])
def test_the_stand_ins_are_as_wide_and_less_deep(file, embedding):
    stand_in, full = file.layout()[""], layouts.prior(embedding)
    assert stand_in.items() < full.items()
    missing = {key.split(".")[1] for key in full.keys() - stand_in.keys()}
    assert missing == {str(number) for number in range(2, 20)}


def test_a_text_encoder_with_its_projection_has_one_tensor_more():
    layout = layouts.projected_clip_text()
    assert (len(layout), count(layout)) == (197, 123_060_480 + 768 * 768)
    assert layout["text_projection.weight"] == (768, 768)
    assert all(key.startswith(("text_model.", "text_projection.")) for key in layout)
