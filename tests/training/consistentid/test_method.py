"""ConsistentID's training: what the UNet gets of people and regions, what is dropped, what learns, and the losses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.models.consistentid.checkpoint import load
from likeness.tests.training.numbered_rows import numbered, randn
from likeness.tests.training.overfitting import overfit
from likeness.tests.training.small_world import WIDTH, small_base
from likeness.training.batches.draws import Draws
from likeness.training.consistentid.facial_loss import facial_loss
from likeness.training.consistentid.method import FACIAL_WEIGHT, ConsistentID, Dropping, FacialBatch
from likeness.training.consistentid.networks import new_networks
from likeness.training.denoising import denoising_loss
from torch import nn

VECTOR, IMAGE, TOKENS, HEAD = 6, 10, 5, 8
NOTHING, NOBODY, NO_REGIONS = (
    Dropping(person=0, regions=0),
    Dropping(person=1, regions=0),
    Dropping(person=0, regions=1),
)
WORDS = ((1, 4, 5), (0, 2, 6), (3, 4, 6), (2, 3, 5))  # of S = 7 rows
SHOWN = ((True, True, False), (True, True, True), (False, False, False), (True, False, False))


def small_batch(rows=3, *, family="sd15", first=0, position=None):
    """Rows of the run from `first` on; what a row shows depends on its number."""
    numbers, position = range(first, first + rows), first if position is None else position
    stacked = numbered(numbers)
    kinds = [number % len(WORDS) for number in numbers]
    shown = torch.tensor([SHOWN[kind] for kind in kinds])
    return FacialBatch(
        positions=tuple(range(position, position + rows)),
        latents=stacked(1, 4, 8, 8),
        text=stacked(2, 7, WIDTH),
        empty=randn(7, 1, 7, WIDTH),
        pooled=stacked(3, 16) if family == "sdxl" else None,
        sizes=torch.tensor([[64, 64, 0, 0, 64, 64]]).expand(rows, -1),
        vectors=nn.functional.normalize(stacked(4, VECTOR), dim=-1),
        photo=stacked(5, TOKENS, IMAGE),
        regions=stacked(6, 3, TOKENS, IMAGE),
        words=torch.tensor([WORDS[kind] for kind in kinds]) * shown,
        has_word=shown,
        places=(stacked(8, 3, 8, 8) > 0).float(),
    )


def new_method(family="sd15", *, dropping=NOTHING, seed=0, prediction="eps"):
    base = small_base(family, prediction)
    networks = new_networks(base.unet, vector=VECTOR, image=IMAGE, rank=2, seed=1, depth=1)
    return ConsistentID(base, networks, randn(99, 1, TOKENS, IMAGE), seed=seed, dropping=dropping)


def texts_of(method):
    """A list that the text of every call of the UNet is put into."""
    seen = []
    method.base.unet.register_forward_pre_hook(
        lambda unet, args, given: seen.append(given["encoder_hidden_states"].detach()), with_kwargs=True
    )
    return seen


def shown_to_the_unet(method, batch):
    """Text and ID tokens of one call."""
    seen = texts_of(method)
    losses = method(batch)
    [text] = seen
    return text, method.shown.residual.tokens.detach()[:, 0], losses


def tokens_of(method, vectors, photo):
    with torch.no_grad():
        return method.id_projection(vectors, photo, shortcut=False, s_scale=1.0)


def with_lively_lora(method):
    """An up matrix of zeros would keep gradients from the down matrix."""
    for number, (_, up) in enumerate(pair for layer in method.lora.pairs().values() for pair in layer.values()):
        up.data = 0.1 * randn(number, *up.shape)
    return method


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_every_word_takes_its_own_region_and_other_rows_stay(family):
    method, batch = new_method(family), small_batch(4, family=family)
    text, tokens, _ = shown_to_the_unet(method, batch)
    expected = batch.text.clone()
    with torch.no_grad():
        for row in range(4):
            for place in range(3):
                if batch.has_word[row, place]:
                    word = int(batch.words[row, place])
                    vector = method.facial_encoder.regions(batch.regions[row : row + 1, place : place + 1])[0, 0]
                    expected[row, word] = method.facial_encoder.fuse(batch.text[row, word], vector)
    torch.testing.assert_close(text, expected)
    fused = (text != batch.text).any(-1)
    assert [row.nonzero()[:, 0].tolist() for row in fused] == [[1, 4], [0, 2, 6], [], [2]]
    torch.testing.assert_close(tokens, tokens_of(method, batch.vectors, batch.photo))


def test_nobody_is_the_empty_prompt_a_zero_vector_and_the_null_photo():
    method, batch = new_method(dropping=NOBODY), small_batch()
    text, tokens, losses = shown_to_the_unet(method, batch)
    assert torch.equal(text, batch.empty.expand_as(text))
    expected = tokens_of(method, torch.zeros(1, VECTOR), method.null_photo)
    torch.testing.assert_close(tokens, expected.expand_as(tokens))
    assert float(losses["facial"].detach()) == 0


def test_nobodys_loss_depends_on_nothing_of_the_person():
    batch, other = small_batch(), small_batch(first=4, position=0)
    stranger = replace(other, latents=batch.latents)
    assert not torch.equal(batch.text, stranger.text)
    for dropping, is_same in ((NOBODY, True), (NOTHING, False)):
        one, two = (new_method(dropping=dropping)(each)["denoising"] for each in (batch, stranger))
        assert torch.equal(one, two) == is_same


def test_without_regions_the_text_is_that_of_the_prompt_and_the_person_is_there():
    method, batch = new_method(dropping=NO_REGIONS), small_batch()
    text, tokens, losses = shown_to_the_unet(method, batch)
    assert torch.equal(text, batch.text)
    torch.testing.assert_close(tokens, tokens_of(method, batch.vectors, batch.photo))
    assert float(losses["facial"].detach()) == 0


def test_rows_are_dropped_one_by_one_and_as_a_whole():
    rows, dropping = 32, Dropping(person=0.4, regions=0.5)
    method = new_method(dropping=dropping)
    batch = replace(small_batch(1), has_word=torch.tensor([[True, True, True]]), words=torch.tensor([[1, 4, 5]]))
    many = {
        name: getattr(batch, name).expand(rows, *[-1] * (getattr(batch, name).ndim - 1)).clone()
        for name in ("latents", "text", "sizes", "vectors", "photo", "regions", "words", "has_word", "places")
    }
    text, tokens, _ = shown_to_the_unet(method, replace(batch, positions=tuple(range(rows)), **many))
    is_empty = (text == batch.empty).all(-1).all(-1)
    is_plain = (text == batch.text).all(-1).all(-1)
    null = tokens_of(method, torch.zeros(1, VECTOR), method.null_photo)
    is_nobody = torch.tensor([torch.allclose(one, null[0], atol=1e-5) for one in tokens])
    assert torch.equal(is_nobody, is_empty)
    assert 6 <= int(is_empty.sum()) <= 20
    assert 4 <= int(is_plain.sum()) <= 16
    fused = text[~is_empty & ~is_plain]
    assert len(fused) >= 4
    assert ((fused != batch.text).any(-1) == torch.tensor([0, 1, 0, 0, 1, 1, 0], dtype=torch.bool)).all()


def test_the_papers_dropping_leaves_most_rows_whole():
    assert (Dropping().person, Dropping().regions) == (0.1, 0.2)
    text, _, _ = shown_to_the_unet(new_method(dropping=Dropping()), small_batch(24))
    assert 0 < int((text == small_batch().empty).all(-1).all(-1).sum()) < 8


@pytest.mark.parametrize("prediction", ["eps", "v"])
def test_the_loss_is_denoising_and_a_hundredth_of_the_facial_loss(prediction):
    method, batch = new_method(prediction=prediction, seed=3), small_batch()
    text, _, losses = shown_to_the_unet(method, batch)
    assert FACIAL_WEIGHT == 0.01
    torch.testing.assert_close(losses["loss"], losses["denoising"] + 0.01 * losses["facial"])
    assert losses.keys() == {"loss", "denoising", "facial"}
    with torch.no_grad():
        again = denoising_loss(method.base, replace(batch, text=text), Draws(3, batch.positions))
        maps = method.maps.take()
    assert len(maps) == 16
    torch.testing.assert_close(losses["denoising"], again)
    torch.testing.assert_close(losses["facial"], facial_loss(maps, batch.places, batch.words, batch.has_word))
    assert abs(float(losses["facial"].detach())) > 1e-4


def test_the_facial_loss_counts_the_words_that_were_fused_alone():
    batch = small_batch(2)
    elsewhere = batch.places.clone()
    elsewhere[0, 2] = 1 - elsewhere[0, 2]  # the first picture has no third word
    first, same = (new_method()(replace(batch, places=places))["facial"] for places in (batch.places, elsewhere))
    assert torch.equal(first, same)
    elsewhere[0, 1] = 1 - elsewhere[0, 1]
    assert not torch.equal(first, new_method()(replace(batch, places=elsewhere))["facial"])


def test_maps_of_one_step_are_not_counted_in_the_next():
    method, batch = new_method(), small_batch()
    first, second = (method(batch)["facial"] for _ in range(2))
    assert torch.equal(first, second)
    assert method.maps.take() == []


def test_two_pictures_can_be_learned():
    losses = overfit(new_method(), small_batch(2), steps=15)
    assert losses[-1] < 0.85 * losses[0]


def test_attention_to_the_words_can_be_learned():
    method, batch = new_method(), small_batch(2)
    optimizer = torch.optim.Adam(method.trained(), lr=5e-3)
    losses = []
    for _ in range(8):
        loss = method(batch)["facial"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.01


def test_gradients_reach_everything_that_is_registered_and_nothing_of_the_base():
    method = with_lively_lora(new_method())
    method(small_batch())["loss"].backward()
    without = [name for name, weight in method.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not without
    groups = {name.split(".")[0] for name, _ in method.named_parameters()}
    assert groups == {"id_projection", "facial_encoder", "attention", "lora"}
    assert set(map(id, method.trained())) == set(map(id, method.parameters()))
    frozen = [*method.base.unet.parameters(), *method.base.vae.parameters()]
    assert not any(weight.requires_grad or weight.grad is not None for weight in frozen)


def test_the_facial_loss_alone_teaches_lora_and_facial_encoder():
    method = with_lively_lora(new_method())
    method(small_batch())["facial"].backward()
    layer = method.lora.layers.get_submodule("1")
    for part in (method.facial_encoder, *(layer.get_submodule(f"to_{one}_lora") for one in "qk")):
        assert all(weight.grad is not None and weight.grad.any() for weight in part.parameters())


def test_the_same_positions_give_the_same_losses_and_others_others():
    def losses(seed=1, position=0):
        method = new_method(seed=seed, dropping=Dropping(person=0.3, regions=0.3))
        return method(small_batch(position=position))["loss"]

    first = losses()
    assert torch.equal(first, losses())
    assert not torch.equal(first, losses(seed=2))
    assert not torch.equal(first, losses(position=50))


def test_a_batch_is_the_mean_of_its_rows():
    method = new_method(dropping=Dropping(person=0.3, regions=0.3))
    whole = method(small_batch(4))
    parts = [method(small_batch(2, first=first)) for first in (0, 2)]
    for name, loss in whole.items():
        torch.testing.assert_close(loss, sum(part[name] for part in parts) / 2, atol=1e-5, rtol=1e-5)


def test_taking_it_off_leaves_the_unet_as_it_was():
    base, batch = small_base(), small_batch()

    def draw():
        with torch.no_grad():
            return base.unet(batch.latents, torch.tensor(500), batch.text).sample

    plain, weights = draw(), {key: value.clone() for key, value in base.unet.state_dict().items()}
    networks = new_networks(base.unet, vector=VECTOR, image=IMAGE, rank=2, seed=1, depth=1)
    method = ConsistentID(base, networks, randn(99, 1, TOKENS, IMAGE), seed=0, dropping=NOTHING)
    overfit(method, batch, steps=1)
    assert not torch.equal(draw(), plain)
    method.detach()
    method.detach()
    assert torch.equal(draw(), plain)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in base.unet.modules())
    assert all(torch.equal(value, weights[key]) for key, value in base.unet.state_dict().items())


def test_the_weights_of_a_trained_method_are_its_published_file():
    method = new_method()
    overfit(method, small_batch(), steps=1)
    adapter = load(method.weights(), dim_head=HEAD)
    for key, tensor in method.facial_encoder.state_dict().items():
        assert torch.equal(adapter.facial_encoder.state_dict()[key], tensor)
    assert torch.equal(adapter.lora[1]["k"][1], method.lora.pairs()[1]["k"][1])
    assert adapter.lora[1]["k"][1].any()
