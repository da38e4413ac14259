"""OmniPortrait's training: what the UNet is told of people, what is dropped, what learns, and the losses."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention_maps import AttentionMaps
from likeness.models.omniportrait.pivot_id_encoder import PivotIDEncoder
from likeness.tests.models.omniportrait.small_adapter import CONFIG, small_encoder
from likeness.tests.training.gradients import checkpointed_gradients
from likeness.tests.training.omniportrait.small_pivot import DROPPED, new_method, small_batch
from likeness.tests.training.overfitting import overfit
from likeness.tests.training.small_world import WIDTH, small_base
from likeness.training.batches.draws import Draws
from likeness.training.denoising import denoising_loss
from likeness.training.omniportrait.face_localization import WEIGHT, face_localization_loss
from likeness.training.omniportrait.method import OmniPortraitPivot, PivotTraining


def told_to_the_unet(method, batch):
    """Arguments of the UNet's one call, and the losses."""
    seen = []
    method.base.unet.register_forward_pre_hook(lambda unet, args, given: seen.append(given), with_kwargs=True)
    losses = method(batch)
    [given] = seen
    return given, losses


def fused_by_hand(method, batch):
    text = batch.text.clone()
    with torch.no_grad():
        for picture, people in enumerate(batch.present.tolist()):
            for person, is_there in enumerate(people):
                if is_there:
                    row = int(batch.rows[picture, person])
                    face = method.image_encoder(batch.crops[picture, person][None])
                    text[picture, row] = method.pivot(batch.text[picture, row][None], face)[0]
    return text


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_every_noun_takes_its_own_face_and_other_rows_stay(family):
    method, batch = new_method(family), small_batch(4, family=family)
    given, _ = told_to_the_unet(method, batch)
    text = given["encoder_hidden_states"].detach()
    torch.testing.assert_close(text, fused_by_hand(method, batch))
    changed = (text != batch.text).any(-1)
    assert [row.nonzero()[:, 0].tolist() for row in changed] == [[2, 4], [1], [3, 5], [2]]
    if family == "sdxl":
        assert torch.equal(given["added_cond_kwargs"]["text_embeds"], batch.pooled)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_prompt_and_faces_are_dropped_together(family):
    method, batch = new_method(family, training=DROPPED), small_batch(family=family)
    given, losses = told_to_the_unet(method, batch)
    assert torch.equal(given["encoder_hidden_states"], batch.empty.expand(3, -1, -1))
    assert float(losses["localization"].detach()) == 0
    if family == "sdxl":
        assert torch.equal(given["added_cond_kwargs"]["text_embeds"], batch.empty_pooled.expand(3, -1))


def test_rows_are_dropped_one_by_one():
    rows, batch = 40, small_batch(1)
    names = ("latents", "text", "sizes", "crops", "rows", "faces", "present")
    many = {name: torch.cat([getattr(batch, name)] * rows) for name in names}
    method = new_method(training=PivotTraining(drop=0.4))
    given, _ = told_to_the_unet(method, replace(batch, positions=tuple(range(rows)), **many))
    is_empty = (given["encoder_hidden_states"] == batch.empty).all(-1).all(-1)
    assert 8 <= int(is_empty.sum()) <= 24
    torch.testing.assert_close(given["encoder_hidden_states"][~is_empty][:1].detach(), fused_by_hand(method, batch))


def test_the_paper_drops_a_tenth_and_weighs_attention_with_two_thousandths():
    assert PivotTraining() == PivotTraining(visual="full", eta=2e-3, drop=0.1)
    assert WEIGHT == 2e-3


@pytest.mark.parametrize("prediction", ["eps", "v"])
def test_the_loss_is_that_of_denoising_plus_that_of_attention(prediction):
    method, batch = new_method(prediction=prediction, training=PivotTraining(drop=0, eta=3.0)), small_batch()
    losses = method(batch)
    torch.testing.assert_close(losses["loss"], losses["denoising"] + 3 * losses["localization"])
    everything = AttentionMaps(method.base.unet)
    told = replace(batch, text=fused_by_hand(method, batch))
    with torch.no_grad():
        denoising = denoising_loss(method.base, told, Draws(0, batch.positions))
    torch.testing.assert_close(losses["denoising"].detach(), denoising)
    finest = [one for one in everything.take() if one.shape[1] == 64]  # 8 by 8: the level nearest to 16
    assert len(finest) == 5
    picked = batch.rows[:, None, None].expand(-1, 4, 64, -1)
    columns = [one.unflatten(0, (3, 4)).gather(-1, picked).mean(1).mT.unflatten(-1, (8, 8)) for one in finest]
    expected = face_localization_loss(columns, batch.faces, batch.present)
    torch.testing.assert_close(losses["localization"].detach(), expected)
    assert expected > 0.01


def weights_of(method):
    return {name: tensor.clone() for name, tensor in method.image_encoder.visual.state_dict().items()}


@pytest.mark.parametrize(
    ("visual", "learning"),
    [
        ("full", ("",)),
        ("last2", ("transformer.resblocks.1.", "transformer.resblocks.2.", "ln_post.", "proj")),
        ("linear", ()),
    ],
)
def test_what_learns_is_what_was_asked_for(visual, learning):
    torch.manual_seed(0)
    config = replace(CONFIG, vision={**CONFIG.vision, "layers": 3})
    method = OmniPortraitPivot(
        small_base(), PivotIDEncoder(6, WIDTH), small_encoder(config), side=8, seed=0,
        training=PivotTraining(drop=0, visual=visual),
    )  # fmt: skip
    unet, before, fusion = (
        copy.deepcopy(method.base.unet.state_dict()),
        weights_of(method),
        method.pivot.fusion.weight.clone(),
    )
    overfit(method, small_batch(), steps=2, rate=1e-2)
    changed = {name for name, tensor in weights_of(method).items() if not torch.equal(tensor, before[name])}
    assert changed == {name for name in before if name.startswith(learning)}
    assert not torch.equal(method.pivot.fusion.weight, fusion)
    assert all(torch.equal(tensor, unet[name]) for name, tensor in method.base.unet.state_dict().items())
    assert {len(list(part)) for part in (method.trained(), method.parameters())} == {2 + len(changed)}


def test_it_learns_a_batch():
    method = new_method()
    losses = overfit(method, small_batch(), steps=25, rate=1e-2)
    assert losses[-1] < 0.97 * losses[0]


def test_attention_alone_brings_faces_and_attention_together():
    method, batch = new_method(training=PivotTraining(drop=0, eta=1e4)), small_batch()
    first = method(batch)["localization"].item()
    overfit(method, batch, steps=15, rate=1e-2)
    assert method(batch)["localization"].item() < 0.9 * first


def test_checkpointing_changes_no_gradient():
    def fresh():
        return new_method(training=PivotTraining(drop=0, eta=1.0))

    # what the first of two passes left behind must not count in the second
    for plain, checkpointed in checkpointed_gradients(fresh, small_batch(), passes=2):
        assert plain.any()
        assert torch.equal(plain, checkpointed)


def test_what_is_shown_is_the_whole_person_and_nobody_is_the_plain_prompt():
    method, batch = new_method(training=DROPPED), small_batch(4)
    shown = method.show(batch)
    torch.testing.assert_close(shown.text.detach(), fused_by_hand(method, batch))
    nobody = torch.tensor([True, False, True, False])
    partly = method.show(batch, nobody=nobody).text.detach()
    assert torch.equal(partly[nobody], batch.text[nobody])
    torch.testing.assert_close(partly[~nobody], shown.text[~nobody].detach())


def test_drawing_leaves_nothing_behind_for_the_loss():
    batch, method, untouched = small_batch(), new_method(), new_method()
    method.show(batch)
    with torch.no_grad():
        method.base.unet(batch.latents[:1], torch.tensor(3), batch.text[:1])
    assert torch.equal(method(batch)["loss"], untouched(batch)["loss"])


def test_the_same_positions_give_the_same_losses_and_others_others():
    def loss(seed=1, position=0):
        return new_method(seed=seed, training=PivotTraining(drop=0.3))(small_batch(position=position))["loss"]

    first = loss()
    assert torch.equal(first, loss())
    assert not torch.equal(first, loss(seed=2))
    assert not torch.equal(first, loss(position=50))


def test_a_batch_is_the_mean_of_its_rows():
    method = new_method(training=PivotTraining(drop=0.3))
    whole = method(small_batch(4))
    parts = [method(small_batch(2, first=first)) for first in (0, 2)]
    for name, loss in whole.items():
        torch.testing.assert_close(loss, sum(part[name] for part in parts) / 2, atol=1e-5, rtol=1e-5)


def test_the_file_holds_the_tower_or_what_is_to_be_stored():
    whole = new_method().weights()
    assert whole["fusion"].keys() == {"weight", "bias"}
    assert whole["visual"].keys() == small_encoder().visual.state_dict().keys()
    assert new_method(stored={"proj"}).weights()["visual"].keys() == {"proj"}


def test_taking_the_recorder_off_leaves_the_unet_as_it_was():
    batch, base = small_batch(), small_base()

    def draw():
        with torch.no_grad():
            return base.unet(batch.latents, torch.tensor(500), batch.text).sample

    plain = draw()
    method = OmniPortraitPivot(base, PivotIDEncoder(6, WIDTH), small_encoder(), side=8, seed=0)
    overfit(method, batch, steps=1)
    method.detach()
    method.detach()
    assert torch.equal(draw(), plain)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in base.unet.modules())
    assert not any(parameter.requires_grad for parameter in base.unet.parameters())
