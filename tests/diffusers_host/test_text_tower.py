"""CLIP's text tower with its projection: which states, which end, where a text is over, every refusal."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.text_encoders import encode_prompts, token_ids
from likeness.diffusers_host.text_tower import load_text_tower, read_texts
from likeness.models.clip import EOS
from likeness.models.errors import UnknownCheckpointError
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.training.facestudio.prior.small_prior import TOWER, tower_weights
from likeness.tools.weights import layouts
from torch.nn.functional import linear

TEXTS = ["", "a cat", "a woman by the sea " * 30]


def test_openais_layout_becomes_the_full_size_tower():
    layout = {f"text_model.{key}": shape for key, shape in layouts.clip_text().items()}
    layout |= {"text_projection.weight": (768, 768)}
    encoder = load_text_tower({key: torch.empty(shape, device="meta") for key, shape in layout.items()})
    config = encoder.module.config
    assert (config.hidden_act, config.num_attention_heads, config.num_hidden_layers) == ("quick_gelu", 12, 12)


def test_the_pooled_vector_is_the_end_tokens_state_projected():
    weights = tower_weights()
    encoder = load_text_tower(weights)
    said = read_texts(encoder, TEXTS)
    assert (said.hidden.shape, said.pooled.shape, said.mask.shape) == ((3, 77, TOWER), (3, TOWER), (3, 77))
    ends = [token_ids(text, EOS).index(EOS) for text in TEXTS]
    assert said.mask.sum(1).tolist() == [end + 1 for end in ends] == [2, 4, 77]
    assert all(row[: end + 1].all() and not row[end + 1 :].any() for row, end in zip(said.mask, ends, strict=True))
    states = torch.stack([row[end] for row, end in zip(said.hidden, ends, strict=True)])
    torch.testing.assert_close(said.pooled, linear(states, weights["text_projection.weight"]))


def test_hidden_states_are_the_last_ones_behind_the_norm():
    encoder = load_text_tower(tower_weights())
    torch.testing.assert_close(read_texts(encoder, TEXTS).hidden, encode_prompts([encoder], TEXTS).tokens)


def test_a_tower_without_a_projection_gives_the_end_tokens_state():
    [encoder] = load_base(small_checkpoint("sd15")).text_encoders
    said = read_texts(encoder, TEXTS)
    states = torch.stack([row[token_ids(text, EOS).index(EOS)] for row, text in zip(said.hidden, TEXTS, strict=True)])
    torch.testing.assert_close(said.pooled, states)


def test_a_picture_tower_and_a_table_of_positions_are_passed_over():
    more = {
        "text_model.embeddings.position_ids": torch.arange(77)[None],
        "vision_model.a": torch.ones(1),
        "logit_scale": torch.ones(()),
    }
    one, other = (read_texts(load_text_tower(each), TEXTS) for each in (tower_weights(), tower_weights() | more))
    assert torch.equal(one.pooled, other.pooled)


@pytest.mark.parametrize("key", ["text_projection.weight", "text_model.final_layer_norm.weight"])
def test_another_file_is_refused(key):
    weights = tower_weights()
    del weights[key]
    with pytest.raises(UnknownCheckpointError, match=r"CLIP text tower, does not fit: .*1 missing"):
        load_text_tower(weights)
