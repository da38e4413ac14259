"""The numbers of attention layers against the published tables, which are stored beside this file."""

import json
from pathlib import Path

import pytest
from likeness.models.ip_adapter.layers import CONTEXTS, FAMILIES, attention_paths, family_of

# Of every transformer block in the order of its number: diffusers' path, ComfyUI's block, place in it, channels, order
# of execution. From the attention processors of diffusers 0.42.1 and ComfyUI's module names.
PUBLISHED = json.loads(Path(__file__).with_name("published_layers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_are_numbered_as_in_published_files(family):
    expected = [f"{row['path']}.{layer}" for row in PUBLISHED[family] for layer in ("attn1", "attn2")]
    assert list(attention_paths(FAMILIES[family])) == expected


def test_the_number_of_layers_tells_the_family():
    assert {count: family_of(count) for count in (32, 140, 64)} == {32: "SD1.5", 140: "SDXL", 64: None}
    assert set(CONTEXTS.values()) == set(FAMILIES)
