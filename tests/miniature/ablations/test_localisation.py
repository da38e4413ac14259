"""O1: whose attention is read, what it is compared with, and how the arms are trained."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.diffusers_host.attention_maps import AttentionMaps
from likeness.miniature.ablations import localisation
from likeness.miniature.ablations.arms import PIVOT_STRENGTH
from likeness.miniature.ablations.localisation import TIMESTEPS, overlaps, questioned_people
from likeness.miniature.ablations.omniportrait.experiments import PUBLISHED, UNLOCALISED
from likeness.miniature.ablations.questions import SEED
from likeness.miniature.recipe.arms import SHIPPED_PIVOT
from likeness.miniature.recipe.steps.omniportrait import CONFIG, new_pivot, read_pivot
from likeness.miniature.world.world import World
from likeness.models.omniportrait.checkpoint import adapter_weights
from likeness.models.omniportrait.image_encoder import PivotImageEncoder
from likeness.models.weights.state_dict import flatten
from likeness.tests.miniature.small_base import base as base

COUNT = 3


@pytest.fixture(scope="module")
def weights(base):
    torch.manual_seed(0)
    pivot = new_pivot(base, seed=0)
    torch.nn.init.normal_(pivot.fusion.weight)
    return flatten(adapter_weights(pivot, PivotImageEncoder(CONFIG)))


@pytest.fixture(scope="module")
def adapter(weights):
    return read_pivot(weights)


@pytest.fixture(scope="module")
def people(base):
    return questioned_people(base, COUNT)


def test_what_was_read_comes_back(weights, adapter):
    found = flatten(adapter_weights(adapter.pivot, adapter.image_encoder))
    assert all(torch.equal(found[key], weights[key]) for key in weights)
    assert not any(parameter.requires_grad for parameter in adapter.image_encoder.parameters())


def test_the_people_are_those_of_the_questions(people):
    asked = World(seed=SEED, split="held out").scenes(range(COUNT))
    assert torch.equal(people.codes, asked.codes[:, 0])


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [(0.3, 0.1, 1.0), (0.1, 0.3, 0.0)],  # scaled to 0–1, the lower of the two is nothing
)
def test_overlap_is_intersection_over_union(base, adapter, people, monkeypatch, inside, outside, expected):
    def attention(base, told, timestep):
        return torch.where(told.faces[:, 0] >= 0.5, inside, outside)

    monkeypatch.setattr(localisation, "_attention", attention)
    assert overlaps(base, adapter, people, at_once=2) == pytest.approx([expected] * COUNT)


def test_overlap_is_the_mean_over_timesteps(base, adapter, people, monkeypatch):
    """At the first one attention is on a row of the face, later on all of it."""

    def attention(base, told, timestep):
        faces = told.faces[:, 0] >= 0.5
        if timestep == TIMESTEPS[0]:
            faces = faces & (torch.arange(16) < 6)[None, :, None]
        return faces.float()

    monkeypatch.setattr(localisation, "_attention", attention)
    faces = people.faces[:, 0] >= 0.5
    shares = faces[:, :6].sum((1, 2)) / faces.sum((1, 2))
    assert 0 < shares.max() < 1
    rest = len(TIMESTEPS) - 1
    assert overlaps(base, adapter, people, at_once=2) == pytest.approx(
        [(float(share) + rest) / (rest + 1) for share in shares]
    )


def test_the_attention_is_that_of_the_fused_rows(base, adapter, people):
    seen = []
    whole = AttentionMaps(base.unet)
    asked_for = base.unet.register_forward_pre_hook(
        lambda unet, args, given: seen.append((args, given["encoder_hidden_states"])), with_kwargs=True
    )
    overlaps(base, adapter, people, at_once=2)
    asked_for.remove()
    maps = whole.take()
    whole.detach()
    assert [tuple(sorted(set(args[1].tolist()))) for args, _ in seen] == [(step,) for step in TIMESTEPS] * 2
    plain = people.rows_as_they_are(base, range(2))
    text = seen[0][1]
    changed = (text != plain.text).any(-1)
    assert [row.nonzero()[:, 0].tolist() for row in changed] == plain.rows.tolist()
    torch.testing.assert_close(
        text[0, plain.rows[0]],
        adapter.pivot(plain.text[0, plain.rows[0]], adapter.image_encoder(plain.crops[0]), PIVOT_STRENGTH),
    )
    read = localisation._attention(base, replace(plain, text=text), TIMESTEPS[0])
    finest = [one.unflatten(0, (2, -1)) for one in maps[: len(maps) // 8] if one.shape[1] == 256]
    rows = plain.rows[:, 0]
    expected = torch.stack([torch.stack([one[n, ..., rows[n]].mean(0) for n in range(2)]) for one in finest]).mean(0)
    torch.testing.assert_close(read.flatten(1), expected)


def test_the_arms_differ_in_the_weight_of_the_loss_alone():
    arms = (UNLOCALISED, PUBLISHED, SHIPPED_PIVOT)
    assert [arm.training.eta for arm in arms] == [0.0, 2e-3, 1.0]
    assert all(replace(arm.training, eta=1.0) == SHIPPED_PIVOT.training for arm in arms)
    assert len({arm.suffix for arm in arms}) == 3
