"""Pictures as latents and tokens: encoded once, and only for the VAE that they are of."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe.latents import caption_tokens, read_pool
from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.world.world import World
from likeness.tests.miniature.small_base import SIZES

PEOPLE = (1, 2)
FILES = PoolFiles(pictures=4)


def pictures(count):
    return World(seed=9).scenes(range(count), people=PEOPLE).image * 2 - 1


def test_a_pool_is_drawn_once_and_only_for_the_vae_that_it_is_of(tmp_path):
    world, base = World(seed=9), new_base(SIZES, seed=1)
    pool = read_pool(base, world, tmp_path, pictures=range(8), people=PEOPLE, files=FILES)
    with torch.no_grad():
        expected = base.vae.encode(pictures(8)[4:]).latent_dist.mean * 0.18215
    torch.testing.assert_close(pool.latents[4:], expected, atol=1e-5, rtol=1e-4)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    again = read_pool(base, world, tmp_path, pictures=range(8), people=PEOPLE, files=FILES)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert torch.equal(again.latents, pool.latents)
    assert torch.equal(again.tokens, pool.tokens)
    later = read_pool(base, world, tmp_path, pictures=range(4, 12), people=PEOPLE, files=FILES)
    assert torch.equal(later.latents[:4], pool.latents[4:])
    covered = world.scenes(range(8), people=PEOPLE).faces.sum((1, 2, 3)) / 64
    torch.testing.assert_close(pool.faces.sum((1, 2, 3)), covered, rtol=1e-4, atol=1e-3)
    other = read_pool(new_base(SIZES, seed=2), world, tmp_path, pictures=range(4), people=PEOPLE, files=FILES)
    assert not torch.allclose(other.latents, pool.latents[:4], atol=1e-2)


def test_captions_become_what_the_text_encoder_takes():
    [tokens] = caption_tokens(["a man in red"])
    assert tokens.tolist()[:6] == [49406, 320, 786, 530, 736, 49407]
    [long] = caption_tokens(["dots " * 100])
    assert tokens.shape == long.shape == (77,)
    assert long[-1] == 49407
