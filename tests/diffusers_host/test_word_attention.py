"""Attention to words in the studio: the numbers of the trainer's maps, at the level that ComfyUI's host reads."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention_maps import AttentionMaps
from likeness.diffusers_host.prompted import Prompted
from likeness.diffusers_host.word_attention import note_attention
from likeness.miniature.networks.untrained import new_base
from likeness.models.miniature.sizes import BaseSizes
from likeness.models.port.attention import Run

SIZES = BaseSizes(unet=(32, 64), vae=(16, 16), latent_channels=4, text=16, text_layers=1, text_heads=1)
PROMPTS = ("a man in red", "a girl and a boy")
GRID = (8, 8)


@pytest.fixture(scope="module")
def base():
    made = new_base(SIZES, seed=1)
    for module in (made.unet, made.text_encoders[0].module):
        module.requires_grad_(False).eval()
    return made


@pytest.fixture(scope="module")
def noted(base):
    """What was noted of two people in each picture, and all maps of the trainer in running order."""
    words = torch.tensor([[2, 5], [2, 5]])
    prompted = Prompted.of(base, PROMPTS, Run())
    latents = torch.randn(2, 4, *GRID, generator=torch.Generator().manual_seed(0))
    maps = AttentionMaps(base.unet)
    with note_attention(base.unet, words, GRID) as notes, torch.no_grad():
        prompted.positive(latents, 400, 1.0)
    taken = maps.take()
    maps.detach()
    return words, notes.collect(), taken


def test_columns_are_the_mean_of_the_finest_layers_and_of_their_heads(noted):
    words, seen, maps = noted
    fine = [each.unflatten(0, (2, -1)).mean(1) for each in maps if each.shape[1] == GRID[0] * GRID[1]]
    assert len(fine) == 3
    expected = torch.stack(fine).mean(0)
    for place in range(2):
        column = torch.stack([expected[row, :, words[row, place]] for row in range(2)])
        torch.testing.assert_close(seen.columns[place].flatten(1), column, atol=1e-6, rtol=1e-4)


def test_self_attention_of_the_way_up_spreads_values_over_the_grid(noted):
    _, seen, _ = noted
    assert seen.grid == GRID
    assert len(seen.layers) == 2
    torch.testing.assert_close(seen.spread(torch.ones(2, 64)), torch.ones(2, 64))
    spot = torch.zeros(2, 64)
    spot[:, 9] = 1
    assert 0 < seen.spread(spot).max() < 1


def test_a_row_has_the_attention_of_its_own_words(noted):
    _, seen, _ = noted
    own = seen.row(1)
    assert torch.equal(own.columns[1][0], seen.columns[1][1])
    assert own.layers[0].query.shape[0] == 1
