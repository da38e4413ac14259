"""The prior's network: what is read of what, what is refused, and the sampling loop."""

import pytest
import torch
from likeness.models.clip.prior import EmbeddingPrior
from likeness.models.errors import InvalidSettingError, ShapeError, UnknownCheckpointError
from likeness.tests.models.clip.small_priors import EMBEDDING, HEAD, TEXT, TOKENS, WIDTH, random_weights, text

STEPS = 6
GOOD = {"steps": STEPS, "guidance": 4.0, "clamp": 5.0}


@pytest.fixture
def prior():
    return EmbeddingPrior.from_state_dict(random_weights(), dim_head=HEAD)


def normal(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def noises(rows=1):
    return {"start": normal(rows, EMBEDDING), "noise": normal(STEPS - 1, rows, EMBEDDING, seed=4)}


def test_sizes_are_read_from_the_weights(prior):
    sizes = prior.sizes
    assert (sizes.width, sizes.embedding, sizes.text, sizes.text_tokens, sizes.depth) == (
        WIDTH,
        EMBEDDING,
        TEXT,
        TOKENS,
        2,
    )
    assert prior.transformer_blocks[0].attn1.heads == 3
    assert prior.layout is None
    assert not any(parameter.requires_grad for parameter in prior.parameters())


def test_weights_come_back_as_they_were(prior):
    weights = random_weights()
    assert prior.state_dict().keys() == weights.keys()
    assert all(torch.equal(tensor, weights[key]) for key, tensor in prior.state_dict().items())


def test_half_precision_files_are_read_in_float32():
    weights = {key: tensor.half() for key, tensor in random_weights().items()}
    prior = EmbeddingPrior.from_state_dict(weights, dim_head=HEAD)
    assert {tensor.dtype for tensor in prior.state_dict().values()} == {torch.float32}


def test_in_half_precision_it_gives_what_it_is_given(prior):
    x, given = normal(2, EMBEDDING), text(2)
    whole, half = prior(x, 500, *given), prior.bfloat16()(x, 500, *given)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, whole, atol=0.15, rtol=0.1)


def test_padding_is_not_read(prior):
    hidden, pooled, mask = text(2)
    x = normal(2, EMBEDDING)
    other = torch.where(mask[..., None].bool(), hidden, 7 * normal(*hidden.shape))
    torch.testing.assert_close(prior(x, 300, hidden, pooled, mask), prior(x, 300, other, pooled, mask))
    assert not torch.allclose(prior(x, 300, hidden, pooled, None), prior(x, 300, other, pooled, None), atol=0.01)


def test_without_a_mask_the_order_is_not_heeded_either(prior):
    """A mask of ones hides what comes later; no mask hides nothing."""
    given, x = text(1)[:2], normal(1, EMBEDDING)
    whole = torch.ones(1, TOKENS)
    assert not torch.allclose(prior(x, 300, *given, whole), prior(x, 300, *given, None), atol=1e-3)


def test_a_text_of_nothing_but_padding_is_still_a_number(prior):
    hidden, pooled, _ = text(1)
    assert torch.isfinite(prior(normal(1, EMBEDDING), 999, hidden, pooled, torch.zeros(1, TOKENS))).all()


def test_rows_do_not_mix_and_may_have_timesteps_of_their_own(prior):
    x, given = normal(3, EMBEDDING), text(3)
    times = torch.tensor([999, 400, 0])
    together = prior(x, times, *given)
    for row, time in enumerate(times.tolist()):
        alone = prior(x[row : row + 1], time, *(part[row : row + 1] for part in given))
        torch.testing.assert_close(together[row : row + 1], alone)
    assert not torch.allclose(prior(x, 999, *given), prior(x, 0, *given), atol=0.01)


@pytest.mark.parametrize(
    ("place", "shape", "named"),
    [(0, (2, 9), "x"), (2, (2, 78, TEXT), "text_hidden"), (3, (1, TEXT), "text_pooled"), (4, (2, 4), "text_mask")],
)
def test_inputs_of_another_shape_are_refused(prior, place, shape, named):
    given = [normal(2, EMBEDDING), 10, *text(2)]
    given[place] = torch.zeros(shape)
    with pytest.raises(ShapeError, match=rf"^{named} has shape .* expected"):
        prior(*given)


def test_files_of_another_kind_are_refused_in_one_sentence():
    with pytest.raises(
        UnknownCheckpointError, match=r"^No prior .*2 keys beginning \"vision_model.*choose the prior of"
    ):
        EmbeddingPrior.from_state_dict({"vision_model.a.weight": torch.zeros(2), "vision_model.b": torch.zeros(2)})
    with pytest.raises(UnknownCheckpointError, match="no tensors"):
        EmbeddingPrior.from_state_dict({})


@pytest.mark.parametrize("by", ["positions", "keys"])
def test_one_step_networks_are_refused_by_name(by):
    weights = random_weights()
    if by == "positions":
        weights["positional_embedding"] = torch.zeros(1, 80, WIDTH)
    else:
        weights = {key: tensor for key, tensor in weights.items() if not key.startswith("time_embedding")}
    with pytest.raises(UnknownCheckpointError, match="ECLIPSE"):
        EmbeddingPrior.from_state_dict(weights, dim_head=HEAD)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("clip_mean"), "missing .clip_mean"),
        (lambda w: w.pop("transformer_blocks.0.norm3.bias"), "missing .transformer_blocks.0.norm3.bias"),
        (lambda w: w.update({"transformer_blocks.0.norm2.bias": torch.zeros(WIDTH)}), "unexpected .*norm2"),
        (lambda w: w.update({"embedding_proj.weight": torch.zeros(WIDTH, 7)}), "another shape .embedding_proj.weight"),
        (lambda w: w.update({"proj_in.weight": torch.zeros(WIDTH)}), "1 axes and should have 2"),
    ],
)
def test_faulty_files_are_refused_with_their_faults(change, told):
    weights = random_weights()
    change(weights)
    with pytest.raises(UnknownCheckpointError, match=told):
        EmbeddingPrior.from_state_dict(weights, dim_head=HEAD)


def test_heads_must_divide_the_width():
    with pytest.raises(UnknownCheckpointError, match="24 wide, which heads of 64"):
        EmbeddingPrior.from_state_dict(random_weights())


def test_sampling_is_a_function_of_start_noise_and_text(prior):
    given = text(2)
    first = prior.sample(*given, **GOOD, **noises())
    assert first.shape == (1, EMBEDDING)
    assert torch.equal(first, prior.sample(*given, **GOOD, **noises()))
    assert not torch.allclose(first, prior.sample(*text(2, seed=9), **GOOD, **noises()), atol=1e-3)
    two = {**noises(), "noise": noises()["noise"][:1]}  # with more steps hardly anything is left of where it began
    drawn = [
        prior.sample(*given, **{**GOOD, "steps": 2}, **each)
        for each in (two, {**two, "start": normal(1, EMBEDDING, seed=8)})
    ]
    assert (drawn[0] - drawn[1]).abs().max() > 5e-6
    listed = {**noises(), "noise": list(noises()["noise"])}
    assert torch.equal(first, prior.sample(*given, **GOOD, **listed))
    assert torch.equal(first, prior.sample(*given, **GOOD, **{**noises(), "noise": noises()["noise"][:, 0]}))


def test_several_embeddings_in_one_run_are_those_of_runs_of_their_own(prior):
    empty, words = text(1), text(3, seed=2)
    both = [torch.cat([each.expand(2, *each.shape[1:]), part[1:]]) for each, part in zip(empty, words, strict=True)]
    drawn = noises(2)
    together = prior.sample(*both, **GOOD, **drawn)
    for row in range(2):
        own = [part[[row, 2 + row]] for part in both]
        alone = prior.sample(*own, **GOOD, start=drawn["start"][row : row + 1], noise=drawn["noise"][:, row : row + 1])
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-4, rtol=1e-4)


def test_guidance_of_one_is_the_text_alone_and_of_zero_the_empty_one(prior):
    empty, words = (tuple(part[row : row + 1] for part in text(2)) for row in (0, 1))
    together = tuple(torch.cat(parts) for parts in zip(empty, words, strict=True))
    for guidance, one in ((1.0, words), (0.0, empty)):
        twice = tuple(part.expand(2, *part.shape[1:]) for part in one)
        settings = {**GOOD, "guidance": guidance}
        got, expected = (prior.sample(*given, **settings, **noises()) for given in (together, twice))
        torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_the_last_prediction_is_within_the_clamp(prior):
    got = prior.sample(*text(2), steps=STEPS, guidance=50.0, clamp=0.25, **noises())
    largest = ((got - prior.clip_mean) / prior.clip_std).abs().max()
    # the last step leaves .99947 of the prediction, and a little of the noisy embedding
    assert 0.24 < largest < 0.26


def test_steps_are_told_and_may_be_the_last(prior):
    seen = []
    got = prior.sample(*text(2), **GOOD, **noises(), on_step=lambda done, embedding: seen.append((done, embedding)))
    assert [done for done, _ in seen] == list(range(1, STEPS + 1))
    assert torch.equal(prior.denormalise(seen[-1][1]), got)

    class CancelError(Exception):
        pass

    def cancel(done, embedding):
        calls.append(done)
        if done == 2:
            raise CancelError

    calls = []
    with pytest.raises(CancelError):
        prior.sample(*text(2), **GOOD, **noises(), on_step=cancel)
    assert calls == [1, 2]


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"steps": 1}, InvalidSettingError, "steps is 1; choose"),
        ({"clamp": 0.0}, InvalidSettingError, "clamp is 0.0; choose"),
        ({"clamp": float("nan")}, InvalidSettingError, "clamp is nan"),
        ({"start": torch.zeros(1, 9)}, ShapeError, "start has shape"),
        ({"start": torch.zeros(2, EMBEDDING)}, ShapeError, "2 rows for 2 embeddings"),
        ({"noise": torch.zeros(STEPS - 2, 1, EMBEDDING)}, ShapeError, "noise is for 4 steps; 6 steps need 5"),
        ({"noise": torch.zeros(STEPS - 1, 2, EMBEDDING)}, ShapeError, "noise of a step has shape"),
    ],
)
def test_settings_that_make_no_sense_are_refused(prior, change, error, told):
    with pytest.raises(error, match=told):
        prior.sample(*text(2), **{**GOOD, **noises(), **change})
