"""Layouts of single layers have the keys and shapes that torch's own layers have."""

import pytest
import torch
from likeness.tools.weights.layouts import layers
from torch import nn


def shapes(module: nn.Module, name: str = "part") -> layers.Layout:
    return {f"{name}.{key}": tuple(tensor.shape) for key, tensor in module.state_dict().items()}


@pytest.mark.parametrize(
    ("layout", "module"),
    [
        (layers.linear("part", 3, 5), nn.Linear(5, 3)),
        (layers.linear("part", 3, 5, bias=False), nn.Linear(5, 3, bias=False)),
        (layers.conv("part", 3, 5), nn.Conv2d(5, 3, 3)),
        (layers.conv("part", 3, 5, 1, bias=False), nn.Conv2d(5, 3, 1, bias=False)),
        (layers.norm("part", 6), nn.GroupNorm(2, 6)),
        (layers.norm("part", 6), nn.LayerNorm(6)),
        (layers.batch_norm("part", 4), nn.BatchNorm2d(4)),
        (layers.batch_norm("part", 4, affine=False), nn.BatchNorm2d(4, affine=False)),
    ],
)
def test_a_layer_is_that_of_torch(layout, module):
    assert layout == shapes(module)


def test_an_openclip_layer_is_torchs_attention_and_a_feed_forward_of_four_times_its_width():
    attention = shapes(nn.MultiheadAttention(8, 2), "part.attn")
    found = layers.openclip_layer("part", 8)
    assert {key: shape for key, shape in found.items() if ".attn." in key} == attention
    assert (found["part.mlp.c_fc.weight"], found["part.mlp.c_proj.weight"]) == ((32, 8), (8, 32))


def test_a_clip_layer_has_the_weights_of_an_openclip_one_under_other_names():
    def count(layout):
        return sum(torch.Size(shape).numel() for shape in layout.values())

    assert count(layers.clip_layer("part", 8)) == count(layers.openclip_layer("part", 8))


def test_low_rank_pairs_multiply_to_the_projections_of_their_layer():
    found = layers.lora(3, 16, 24, 4)
    for name, inputs in (("q", 16), ("k", 24), ("v", 24), ("out", 16)):
        up, down = (torch.zeros(found[f"3.to_{name}_lora.{half}.weight"]) for half in ("up", "down"))
        assert (up @ down).shape == (16, inputs)
    assert len(found) == 8


def test_a_prefix_stands_before_every_key():
    assert layers.prefixed("a.b", {"c": (1,), "d.e": (2, 3)}) == {"a.b.c": (1,), "a.b.d.e": (2, 3)}
