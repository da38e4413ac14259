"""What people add to the memory of transformer blocks, on narrow ones of the same layout."""

from __future__ import annotations

import pytest
import torch

SIDE = 256
NARROW = {"model_channels": 32, "num_head_channels": 16, "context_dim": 24}
MIB = 2**20


@pytest.fixture(scope="module")
def model():
    from likeness.benchmarks.attention_memory import LEVELS, level_model

    with torch.inference_mode():
        return level_model(torch.float32, torch.device("cpu"), LEVELS | NARROW)


@pytest.fixture
def rows(model, capsys):
    """Figures by arm."""
    from likeness.benchmarks.attention_memory import report_levels

    def run(arms, **settings):
        with torch.inference_mode():
            report_levels(model, SIDE, arms, **settings)
        _, head, *lines = capsys.readouterr().out.splitlines()
        return head.split()[1:], {line[:42].strip(): [float(part) for part in line[42:].split()] for line in lines}

    return run


@pytest.mark.comfy
def test_there_is_one_block_for_each_level_of_sdxl(model):
    from likeness.benchmarks.attention_memory import LEVELS
    from likeness.host.unet.sites import find_sites, unet_of
    from likeness.tools.weights.layouts import SDXL

    found = [site.channels for site in find_sites(unet_of(model)) if site.kind == "cross"]
    scale = LEVELS["model_channels"] // NARROW["model_channels"]
    assert [scale * channels for channels in found] == sorted(set(SDXL.transformer_widths))


@pytest.mark.comfy
def test_what_is_shown_is_beyond_the_plain_call(rows):
    head, found = rows(["1 person everywhere", "4 in masks with soft edges"])
    assert head == ["layer", "64", "layer", "128", "block", "64", "block", "128"]
    query = 2 * (SIDE // 16) ** 2 * 64 * 4 / MIB  # of the first level
    plain, one, soft = (found[name] for name in ("plain", "1 person everywhere", "4 in masks with soft edges"))
    assert plain[0] == pytest.approx(5 * query, rel=0.2)  # normed, queries, what is read, its projection, the sum
    assert plain[2] > 2 * plain[0]  # a feed-forward layer is four times as wide, and gated
    assert query / 2 < one[0] < 3 * query
    assert soft[0] > one[0]


@pytest.mark.comfy
def test_whole_blocks_can_be_left_out(rows):
    head, found = rows(["1 person everywhere"], is_layer_only=True)
    assert head == ["layer", "64", "layer", "128"]
    assert len(found["plain"]) == 2


@pytest.mark.comfy
def test_the_whole_network_is_weighed_at_once(model, capsys):
    from likeness.benchmarks.attention_memory import report_whole

    with torch.inference_mode():
        report_whole(model, SIDE, ["2 in masks with soft edges"])
    _, head, plain, two = capsys.readouterr().out.splitlines()
    assert head == f"{SIDE}x{SIDE}, whole UNet"
    assert float(plain.split()[-1]) > 1
    assert (
        0 <= float(two.split()[-1]) < float(plain.split()[-1]) / 2
    )  # beyond the plain call; here its feed-forward layers hold more
