"""Text encoders: what they compute, from which layer, and how a prompt becomes 77 ids."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.text_encoders import encode_prompts, load_clip, token_ids
from likeness.models.clip import BOS, EOS
from likeness.models.errors import UnknownCheckpointError
from likeness.tests.diffusers_host.small_checkpoints import TEXT, narrowed, small_checkpoint
from likeness.tools.weights import layouts
from likeness.tools.weights.write import fill


@pytest.fixture(scope="module")
def weights():
    """CLIP-L with two narrow layers."""
    return fill({"": narrowed(layouts.clip_text(), TEXT, 2)}, torch.float32)[""]


def load(weights, **options):
    return load_clip(weights, "small", **{"last_layer": True, "dtype": torch.float32, **options})


@pytest.mark.parametrize("pad", [0, EOS])
def test_a_prompt_is_77_ids_between_beginning_and_end(pad):
    ids = token_ids("a cat", pad)
    assert (len(ids), ids[0], ids[3]) == (77, BOS, EOS)
    assert ids[4:] == [pad] * 73


def test_what_is_too_long_is_cut_off_before_the_end():
    long = token_ids("a cat " * 50, 0)
    assert (len(long), long[0], long[-1]) == (77, BOS, EOS)
    assert long[:-1] == token_ids("a cat " * 60, 0)[:-1]


def test_the_last_layer_comes_with_its_norm_and_the_one_before_without(weights):
    last, before = (encode_prompts([load(weights, last_layer=which)], ["a cat"]).tokens for which in (True, False))
    assert not torch.allclose(last, before, atol=1e-3)
    changed = {
        key: tensor * 2 if "layers.1." in key or "final_layer_norm" in key else tensor
        for key, tensor in weights.items()
    }
    again, untouched = (encode_prompts([load(changed, last_layer=which)], ["a cat"]).tokens for which in (True, False))
    assert torch.equal(before, untouched)
    assert not torch.allclose(last, again, atol=1e-3)


def test_encoders_stand_side_by_side_and_a_prompt_does_not_see_the_others(weights):
    encoder = load(weights)
    both = encode_prompts([encoder, encoder], ["a cat", "two people"])
    alone = encode_prompts([encoder], ["two people"])
    assert both.tokens.shape == (2, 77, 128)
    torch.testing.assert_close(both.tokens[1:, :, :64], alone.tokens)
    torch.testing.assert_close(both.tokens[1:, :, 64:], alone.tokens)
    assert both.pooled is None


@pytest.mark.parametrize("prefix", ["", "text_model."])
def test_sizes_and_layers_are_read_from_the_weights_whatever_stands_before_the_keys(weights, prefix):
    encoder = load({prefix + key: tensor for key, tensor in weights.items()}, dtype=torch.bfloat16)
    assert encoder.module.config.num_hidden_layers == 2
    assert encoder.module.config.hidden_size == 64
    assert encode_prompts([encoder], ["a cat"]).tokens.dtype == torch.bfloat16


def test_another_file_is_refused(weights):
    with pytest.raises(UnknownCheckpointError, match="small"):
        load({key: tensor for key, tensor in weights.items() if "token_embedding" not in key})


def test_the_second_text_encoder_computes_what_open_clip_computes():
    transformer = pytest.importorskip("open_clip.transformer")
    prefix = "conditioner.embedders.1.model."
    checkpoint = small_checkpoint("sdxl")
    weights = {key.removeprefix(prefix): w for key, w in checkpoint.items() if key.startswith(prefix)}
    theirs = transformer.TextTransformer(width=32, heads=1, layers=2, output_dim=32, output_tokens=False).eval()
    theirs.load_state_dict({key: w for key, w in weights.items() if key != "logit_scale"}, strict=True)
    import open_clip

    prompts = ["a painting of a fox", "two people"]
    pooled = theirs(open_clip.SimpleTokenizer()(prompts))
    ours = encode_prompts(load_base(checkpoint).text_encoders, prompts)
    assert ours.pooled is not None
    torch.testing.assert_close(ours.pooled, pooled.detach(), atol=1e-5, rtol=1e-4)
