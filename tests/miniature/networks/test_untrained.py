"""Base models by their sizes: what a seed decides, and which words they know."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import find_sites
from likeness.miniature.networks.checkpoint import base_weights
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.world.captions import vocabulary, write_captions
from likeness.miniature.world.people.identity import identities
from likeness.miniature.world.plan import plan_scenes
from likeness.models.clip import BOS, EOS, text_ids
from likeness.models.miniature.sizes import BaseSizes

SMALL = BaseSizes(unet=(32, 64), vae=(32, 48), latent_channels=4, text=64, text_layers=2, text_heads=2)
DEEP = BaseSizes(unet=(32, 64), blocks=2, vae=(32, 48), latent_channels=4, text=64, text_layers=2, text_heads=2)


def test_the_vocabulary_holds_every_word_of_captions():
    known, seen = set(text_ids(vocabulary())), set()
    for people in (1, 2, 3, 4):
        plan = plan_scenes(people, range(500), (people, people), identities("train"))
        seen |= {
            token for each in write_captions(plan.codes, plan.facts, plan.phrasing) for token in text_ids(each.text)
        }
    assert seen - known == set()
    assert known - seen <= set(text_ids("one"))  # the count of somebody alone is never said


def test_the_same_seed_makes_the_same_weights_and_another_one_others():
    first, same, other = (base_weights(new_base(SMALL, seed=seed), SMALL) for seed in (3, 3, 4))
    assert all(torch.equal(first[key], same[key]) for key in first)
    for part in ("model.diffusion_model.out.2", "first_stage_model.", "cond_stage_model.transformer."):
        key = next(key for key in first if key.startswith(part) and key.endswith("weight") and "norm" not in key)
        assert not torch.equal(first[key], other[key]), key


def test_building_leaves_the_global_random_state_alone():
    torch.manual_seed(8)
    expected = torch.rand(3)
    torch.manual_seed(8)
    new_base(SMALL, seed=3)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("sizes", [SMALL, DEEP], ids=["one block", "two blocks"])
def test_every_level_attends_to_text(sizes):
    base = new_base(sizes, seed=3)
    blocks = len(sizes.unet) * (2 * sizes.blocks + 1) + 1  # on the way down, on the way up, in the middle
    assert sum(site.kind == "cross" for site in find_sites(base.unet)) == blocks


def test_the_text_encoder_knows_the_words_of_the_world_alone():
    words = new_base(SMALL, seed=3).text_encoders[0].module.get_input_embeddings().weight
    used = torch.tensor(sorted({BOS, EOS, *text_ids(vocabulary())}))
    assert torch.equal(words.any(1).nonzero()[:, 0], used)


def test_the_base_predicts_velocity_up_to_pure_noise():
    base = new_base(SMALL, seed=3)
    assert (base.family, base.prediction) == ("sd15", "v")
    assert base.schedule.alphas_cumprod[-1] == 0
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert base.unet(latents, torch.tensor([9]), torch.zeros(1, 77, 64)).sample.shape == latents.shape
