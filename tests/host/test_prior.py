"""A prior under ComfyUI: files, seeds, averages, progress and cancelling."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest
import torch
from likeness.models.clip.prior_file import PriorDescription
from likeness.models.errors import IncompatibleBaseModelError, InvalidSettingError, MissingModelFileError
from likeness.tests.host.clips import NARROW, WIDE, tiny_clip, unproject
from likeness.tests.models.clip.small_priors import HEAD, random_weights
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy

EMBEDDING = 10
OURS = PriorDescription(clamp=3.0, dim_head=HEAD, space="drawn")


@pytest.fixture
def clip():
    return tiny_clip()


@pytest.fixture
def prior_file(folders):
    """Writes a prior into models/prior."""

    def write(name="any.safetensors", *, text=WIDE, tokens=77, seed=0, drop=()):
        weights = random_weights(embedding=EMBEDDING, text=text, tokens=tokens, seed=seed)
        path = folders / "prior" / name
        path.parent.mkdir(exist_ok=True)
        kept = {key: tensor for key, tensor in weights.items() if not key.startswith(tuple(drop) or ("no such",))}
        save_file(kept, path, OURS.metadata())
        return name

    return write


@pytest.fixture
def prior(prior_file):
    from likeness.host.prior import choose_prior

    return choose_prior(prior_file())


def predict(*args, **given):
    from likeness.host.prior import predict

    return predict(*args, **{"steps": 4, **given})


def test_the_embedding_is_that_of_the_network_from_the_same_noise(clip, prior):
    from likeness.host.text_tower import read_texts

    generator = torch.Generator().manual_seed(7)
    drawn = [torch.randn(1, EMBEDDING, generator=generator) for _ in range(4)]
    read = read_texts(clip, ("blurry", "a man"), width=WIDE)
    expected = prior.network.sample(
        read.hidden, read.pooled, read.mask, steps=4, guidance=2.0, clamp=3.0, start=drawn[0], noise=drawn[1:]
    )
    found = predict(clip, prior, "a man", "blurry", guidance=2.0, seed=7)
    torch.testing.assert_close(found.embedding, expected, atol=1e-5, rtol=1e-5)
    assert found.embedding.device.type == "cpu"
    assert (found.space, found.note) == ("drawn", "")


def test_a_seed_gives_the_same_and_another_one_another_reading(clip, prior):
    one, same, other = (predict(clip, prior, "a man", seed=seed).embedding for seed in (5, 5, 6))
    assert torch.equal(one, same)
    assert not torch.allclose(one, other)


def test_text_negative_text_and_guidance_matter(clip, prior):
    given = (
        {"text": "a man"},
        {"text": "a cat"},
        {"text": "a man", "negative": "a cat"},
        {"text": "a man", "guidance": 1.0},
    )
    found = [predict(clip, prior, **each).embedding for each in given]
    assert all(not torch.allclose(found[0], other) for other in found[1:])


def test_prompt_weights_are_read_as_plain_words(clip, prior):
    assert not torch.allclose(predict(clip, prior, "a (man:1.5)").embedding, predict(clip, prior, "a man").embedding)


def test_an_empty_text_is_a_text(clip, prior):
    found = predict(clip, prior, "")
    assert found.embedding.shape == (1, EMBEDDING)
    assert found.embedding.isfinite().all()
    torch.testing.assert_close(
        predict(clip, prior, "", guidance=10.0).embedding, found.embedding
    )  # as its negative text


def test_a_very_long_text_is_cut_where_clip_s_is_and_said(clip, prior):
    whole, long = (predict(clip, prior, "word " * count) for count in (75, 1000))
    assert torch.equal(whole.embedding, long.embedding)
    assert whole.note == ""
    assert long.note == "Longer than the 75 tokens that CLIP reads, the rest was left out: text by 925."
    assert "negative_text by 5 and text by 1." in predict(clip, prior, "word " * 76, "word " * 80).note


def test_several_seeds_are_averaged(clip, prior):
    each = [predict(clip, prior, "a man", seed=seed).embedding for seed in (3, 4, 5)]
    mean = predict(clip, prior, "a man", seed=3, average=3).embedding
    torch.testing.assert_close(mean, torch.stack(each).mean(0), atol=1e-5, rtol=1e-5)


def test_seeds_go_round_at_the_end(clip, prior):
    each = [predict(clip, prior, "a man", seed=seed).embedding for seed in (2**64 - 1, 0)]
    mean = predict(clip, prior, "a man", seed=2**64 - 1, average=2).embedding
    torch.testing.assert_close(mean, torch.stack(each).mean(0), atol=1e-5, rtol=1e-5)


def test_noise_is_drawn_as_one_generator_draws_it_step_by_step():
    from likeness.host.prior import draw

    start, noise = draw([3, 4], 5, EMBEDDING)
    assert (start.shape, noise.shape) == ((2, EMBEDDING), (4, 2, EMBEDDING))
    generator = torch.Generator().manual_seed(4)
    for drawn in (start[1], *noise[:, 1]):
        assert torch.equal(drawn, torch.randn(EMBEDDING, generator=generator))
    assert torch.equal(draw([3], 5, EMBEDDING)[0], start[:1])


@pytest.fixture
def steps_done(monkeypatch):
    """The steps that the progress bar was told of; `at` maps a step to what happens then."""
    import comfy.utils

    class Done(list):
        def __init__(self):
            super().__init__()
            self.at = {}

    done = Done()

    def update(bar, value, *_, **__):
        done.append((value, bar.total))
        done.at.get(value, lambda: None)()

    monkeypatch.setattr(comfy.utils.ProgressBar, "update_absolute", update)
    return done


def test_progress_is_shown_step_by_step(clip, prior, steps_done):
    predict(clip, prior, "a man", steps=3)
    assert steps_done == [(1, 3), (2, 3), (3, 3)]


def test_a_cancelled_run_ends_at_its_step_and_leaves_nothing_behind(clip, prior, steps_done):
    import comfy.model_management

    before = predict(clip, prior, "a man", steps=5).embedding
    steps_done.clear()
    steps_done.at = {2: comfy.model_management.interrupt_current_processing}
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        predict(clip, prior, "a man", steps=5)
    assert steps_done == [(1, 5), (2, 5)]
    steps_done.at = {}
    assert torch.equal(predict(clip, prior, "a man", steps=5).embedding, before)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": 1}, "steps is 1; choose a number from 2 to 100"),
        ({"steps": 101}, "steps is 101"),
        ({"guidance": 0.5}, r"guidance is 0\.5; choose a number from 1 to 10"),
        ({"guidance": float("nan")}, "guidance is nan"),
        ({"average": 0}, "average is 0; choose a number from 1 to 16"),
        ({"average": 17}, "average is 17"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_numbers_out_of_range_are_refused(clip, prior, given, said):
    with pytest.raises(InvalidSettingError, match=said):
        predict(clip, prior, "a man", **given)


def test_a_prior_of_another_length_is_refused(clip, prior_file):
    from likeness.host.prior import choose_prior

    with pytest.raises(IncompatibleBaseModelError, match="texts of 5 tokens, and CLIP's text towers give 77"):
        predict(clip, choose_prior(prior_file(tokens=5)), "a man")


def test_a_clip_with_another_tower_or_none_is_refused(prior, prior_file):
    from likeness.host.prior import choose_prior

    with pytest.raises(IncompatibleBaseModelError, match="text tower 32 wide is needed"):
        predict(tiny_clip("sd15"), prior, "a man")
    with pytest.raises(IncompatibleBaseModelError, match="clip_l of this CLIP has no text projection"):
        predict(unproject(tiny_clip()), choose_prior(prior_file("narrow.safetensors", text=NARROW)), "a man")


def test_a_prior_that_was_trained_without_a_projection_reads_what_is_before_it(prior):
    clip, described = tiny_clip(), replace(prior.description, projected=False)
    unprojected = predict(clip, replace(prior, description=described), "a man").embedding
    assert not torch.allclose(unprojected, predict(clip, prior, "a man").embedding)
    lacking = unproject(clip, "clip_g", float("nan"))
    assert torch.equal(predict(lacking, replace(prior, description=described), "a man").embedding, unprojected)


def test_auto_takes_the_first_that_reads_the_clip_and_passes_eclipse_by(clip, prior_file):
    from likeness.host.prior import choose_prior

    prior_file("a eclipse.safetensors", drop=("time_embedding.",))
    prior_file("b.safetensors", text=NARROW)
    prior_file("c.safetensors")
    assert choose_prior("auto", clip).network.sizes.text == NARROW
    assert choose_prior("auto", unproject(clip)).network.sizes.text == WIDE
    assert choose_prior("auto", tiny_clip("g")).network.sizes.text == WIDE
    assert (
        choose_prior("auto", unproject(tiny_clip("sd15"))).network.sizes.text == NARROW
    )  # and predict says what is missing


def test_no_prior_is_one_sentence(folders, clip):
    from likeness.host.prior import choose_prior

    with pytest.raises(
        MissingModelFileError, match=r"No prior was found in .*prior; put one there .*kandinsky-2-2-prior"
    ):
        choose_prior("auto", clip)
    with pytest.raises(MissingModelFileError, match=r'"gone\.safetensors" was not found'):
        choose_prior("gone.safetensors", clip)


def test_a_prior_is_read_once_while_the_tower_that_it_read_is_there(clip, prior_file, monkeypatch):
    from likeness.host import prior as module

    read, original = [], module.load
    monkeypatch.setattr(module, "load", lambda path: read.append(path) or original(path))
    name = prior_file()
    for seed in (1, 2):
        predict(clip, module.choose_prior(name, clip), "a man", seed=seed)
        gc.collect()
    assert len(read) == 1
    del clip


def test_a_network_stays_in_float32_and_is_managed(prior):
    assert {parameter.dtype for parameter in prior.network.parameters()} == {torch.float32}
    assert prior.patcher.model is prior.network
