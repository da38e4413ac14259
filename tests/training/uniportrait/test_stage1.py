"""Stage I: which weights learn, that they learn, what is dropped, and what comes out."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import attach
from likeness.models.errors import IncompatibleBaseModelError
from likeness.models.placement.placements import Everywhere
from likeness.models.uniportrait.checkpoint import load
from likeness.tests.training.small_world import nobody, overfit, small_batch, stage_one
from likeness.training.batches.batch import join
from likeness.training.batches.draws import Draws
from likeness.training.uniportrait.networks import networks_of, new_networks
from likeness.training.uniportrait.people import Dropping, drop_faces, identity_tokens


@pytest.mark.parametrize(("family", "prediction"), [("sd15", "eps"), ("sd15", "v"), ("sdxl", "eps")])
def test_two_pictures_can_be_learned(family, prediction):
    losses = overfit(stage_one(family, prediction=prediction), small_batch(family=family), steps=20)
    assert losses[-1] < 0.85 * losses[0]


def test_gradients_reach_exactly_what_stage_one_trains():
    method = stage_one()
    for layer in method.lora.layers.values():  # an up matrix of zeros would keep gradients from the down matrix
        for pair in layer.values():
            torch.nn.init.normal_(pair["up"].weight, std=0.1)
    method(small_batch())["loss"].backward()
    without = [name for name, weight in method.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not without
    assert {name.split(".")[0] for name, _ in method.named_parameters()} == {"id_embedding", "attention", "lora"}
    assert set(map(id, method.trained())) == set(map(id, method.parameters()))
    frozen = [*method.base.unet.parameters(), *method.base.vae.parameters()]
    assert not any(weight.requires_grad or weight.grad is not None for weight in frozen)


def test_the_same_seed_gives_the_same_losses_and_another_one_others():
    first, again, other = (stage_one(seed=seed)(small_batch())["loss"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_batch_is_the_mean_of_its_rows():
    method = stage_one(dropping=Dropping(token=0.5, path=0.5, face=0.5))
    whole = method(small_batch(rows=4))["loss"]
    parts = [method(small_batch(rows=2, first=first))["loss"] for first in (0, 2)]
    torch.testing.assert_close(whole, sum(parts) / 2, atol=1e-5, rtol=1e-5)


def test_checkpointing_changes_no_gradient():
    gradients = []
    for checkpointing in (False, True):
        method = stage_one(dropping=Dropping(token=0.5, path=0.5, face=0.5))
        if checkpointing:
            method.base.unet.enable_gradient_checkpointing()
        method(small_batch())["loss"].backward()
        gradients.append([weight.grad for weight in method.parameters()])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, checkpointed)


def tokens_of(method, batch, dropping, dropped=None, seed=0):
    dropped = torch.zeros(len(batch.positions), dtype=torch.bool) if dropped is None else dropped
    draws = Draws(seed, batch.positions)
    return identity_tokens(method.id_embedding, batch, nobody(), dropped, draws, dropping)


def test_without_dropping_the_tokens_are_those_of_inference():
    method, batch = stage_one(), small_batch()
    expected = method.id_embedding(batch.intrinsic[:, 0], batch.structure[:, 0], 1.0)
    torch.testing.assert_close(tokens_of(method, batch, Dropping(token=0, path=0, face=0))[:, 0], expected)


def test_dropped_paths_leave_the_structure_out_and_enlarge_the_rest():
    method, batch = stage_one(), small_batch(rows=64, contents=[0] * 64)
    tokens = tokens_of(method, batch, Dropping(token=0, path=0.5, face=0))[:, 0]
    intrinsic, structure = batch.intrinsic[:1, 0], batch.structure[:1, 0]
    possible = [
        method.id_embedding(intrinsic, structure, torch.tensor([[first], [second]]))[0]
        for first in (0.0, 2.0)
        for second in (0.0, 2.0)
    ]
    seen = [next(n for n, one in enumerate(possible) if torch.allclose(one, row, atol=1e-5)) for row in tokens]
    assert set(seen) == {0, 1, 2, 3}


def test_dropped_tokens_are_not_read():
    method, batch = stage_one(), small_batch(rows=1)
    draws = Draws(0, batch.positions).uniform("drop token", (1, 5))[0, 0]
    expected = method.id_embedding(batch.intrinsic[:, 0], batch.structure[:, 0][:, draws >= 0.5], 1.0)
    got = tokens_of(method, batch, Dropping(token=0.5, path=0, face=0))[:, 0]
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


def test_a_picture_without_its_face_shows_nobody():
    method, batch = stage_one(), small_batch()
    null = nobody()
    expected = method.id_embedding(null.intrinsic, null.structure, 1.0)
    tokens = tokens_of(method, batch, Dropping(token=0, path=0, face=0), torch.tensor([True, False]))
    torch.testing.assert_close(tokens[0], expected)
    assert not torch.allclose(tokens[1], expected[0], atol=1e-3)


def test_faces_are_dropped_as_often_as_asked():
    batch = small_batch(rows=1)
    for probability, low, high in ((0.0, 0, 0), (0.25, 200, 300), (1.0, 1000, 1000)):
        draws = Draws(0, tuple(range(1000)))
        assert low <= int(drop_faces(batch, draws, probability).sum()) <= high


def test_absent_people_are_filled_up():
    joined = join([small_batch(rows=1, people=1), small_batch(rows=1, people=3, first=1)])
    assert joined.present.tolist() == [[True, False, False], [True, True, True]]
    assert joined.intrinsic.shape == (2, 3, 3, 6)
    assert joined.positions == (0, 1)
    assert joined.pooled is None


def test_what_was_trained_loads_as_a_published_file_and_does_the_same():
    method = stage_one()
    overfit(method, small_batch(), steps=2)
    adapter = load(method.weights(), dim_head=8)
    assert torch.equal(adapter.id_embedding.latents, method.id_embedding.latents)
    again = networks_of(adapter, method.base.unet)
    fresh = stage_one()
    batch = small_batch()
    with torch.no_grad():
        method.show(batch)
        trained = method.base.unet(batch.latents, torch.tensor(500), batch.text).sample
    fresh.shown.show(method.shown.residual.tokens, Everywhere(1))
    fresh.attention.load_state_dict(again.attention.state_dict())
    fresh.lora.load_state_dict(again.lora.state_dict())
    with torch.no_grad():
        loaded = fresh.base.unet(batch.latents, torch.tensor(500), batch.text).sample
    assert torch.equal(trained, loaded)


def test_an_adapter_of_another_base_is_refused():
    adapter = load(stage_one().weights(), dim_head=8)
    with pytest.raises(IncompatibleBaseModelError, match="one architecture"):
        networks_of(adapter, stage_one("sdxl").base.unet)


def test_new_networks_have_the_published_sizes_and_change_nothing_but_attention(sd15):
    networks = new_networks(sd15, nobody(), rank=3, seed=0)
    assert networks.id_embedding.num_tokens == 16
    assert len(networks.id_embedding.layers) == 6
    assert len(networks.attention) == 16
    assert len(networks.lora.pairs()) == 32
    same = new_networks(sd15, nobody(), rank=3, seed=0)
    assert torch.equal(networks.id_embedding.latents, same.id_embedding.latents)
    sample, text = torch.ones(1, 4, 8, 8), torch.ones(1, 7, 24)
    plain = sd15(sample, torch.tensor(1), text).sample
    detach = attach(sd15, None, lora=networks.lora.pairs())
    with torch.no_grad():
        assert torch.equal(sd15(sample, torch.tensor(1), text).sample, plain)
    detach()
