import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.models.errors import ShapeError
from likeness.models.uniportrait.id_routing import IDRouter

CHANNELS, TOKENS, WIDTH = 8, 4, 12


def small_router(dtype: torch.dtype | None = None) -> IDRouter:
    torch.manual_seed(2)
    built = IDRouter(channels=CHANNELS, hidden_position=16, hidden_identity=24, tokens=TOKENS, width=WIDTH)
    return IDRouter.from_state_dict(built.state_dict(), dtype=dtype)


def case(people: int, positions: int, rows: int = 2, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, positions, CHANNELS, generator=generator)
    return hidden, torch.randn(rows, people, TOKENS, WIDTH, generator=generator)


@settings(max_examples=25, deadline=None)
@given(people=st.integers(1, 8), positions=st.integers(1, 37), seed=st.integers(0, 1000))
def test_folding_changes_nothing(people, positions, seed):
    router = small_router(torch.float64)
    hidden, tokens = (x.double() for x in case(people, positions, seed=seed))

    plain, folded = router.logits(hidden, tokens), router.folded_logits(hidden, router.fold(tokens))

    assert plain.shape == (2, positions, people)
    torch.testing.assert_close(folded, plain, atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("people", [1, 2, 5])
def test_differences_tell_people_apart_as_the_logits_do(people):
    router = small_router(torch.float64)
    hidden, tokens = (x.double() for x in case(people, 20))

    apart, power = router.fold_differences(tokens)
    found = router.folded_logits(hidden, apart) * power

    logits = router.logits(hidden, tokens)
    torch.testing.assert_close(found, logits - logits.mean(-1, keepdim=True), atol=1e-12, rtol=1e-9)
    assert apart.abs().max() <= 1
    assert people == 1 or apart.abs().max() >= 0.5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_first_of_equal_people_wins_by_differences_too(dtype):
    hidden, tokens = case(1, 20)

    apart, power = small_router().fold_differences(tokens.expand(-1, 3, -1, -1))
    logits = small_router(dtype).folded_logits(hidden.to(dtype), apart.to(dtype))

    assert power > 0
    assert logits.isfinite().all()
    assert logits.argmax(-1).max() == 0


def test_assign_takes_the_highest_logit():
    router = small_router()
    hidden, tokens = case(5, 20)

    assigned = router.assign(hidden, tokens)

    assert assigned.dtype == torch.int64
    logits = router.logits(hidden, tokens)
    assert torch.equal(logits.gather(-1, assigned[..., None]).squeeze(-1), logits.max(-1).values)


def test_the_first_of_equal_people_wins():
    hidden, tokens = case(1, 20)

    assert small_router().assign(hidden, tokens.expand(-1, 6, -1, -1)).max() == 0


def test_reordering_people_reorders_the_logits():
    router = small_router()
    hidden, tokens = case(3, 9)

    torch.testing.assert_close(router.logits(hidden, tokens.flip(1)), router.logits(hidden, tokens).flip(-1))


def test_one_set_of_people_serves_all_rows():
    router = small_router()
    hidden, tokens = case(2, 9)

    shared = router.logits(hidden, tokens[:1])

    torch.testing.assert_close(shared, router.logits(hidden, tokens[:1].expand(2, -1, -1, -1)))


def test_bias_of_the_aggregation_counts():
    router = small_router()
    hidden, tokens = case(2, 9)
    without = router.logits(hidden, tokens)
    router.aggr_router.bias.data += 1

    assert not torch.allclose(router.logits(hidden, tokens), without)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_runs_in_the_type_of_its_weights(dtype):
    router = small_router(dtype)
    hidden, tokens = (x.to(dtype) for x in case(2, 9))

    assert router.folded_logits(hidden, router.fold(tokens)).dtype == dtype


def test_wrong_shapes_are_refused():
    hidden, tokens = case(2, 9)
    with pytest.raises(ShapeError, match="hidden"):
        small_router().logits(hidden[..., :4], tokens)
    with pytest.raises(ShapeError, match="identity_tokens"):
        small_router().logits(hidden, tokens[:, :, :3])
