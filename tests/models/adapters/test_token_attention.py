"""One attention for all rows, against one attention per person and row."""

from __future__ import annotations

import weakref
from dataclasses import replace

import likeness.models.adapters.decoupled_cross_attention as module
import likeness.models.adapters.token_attention as attention
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from likeness.benchmarks.operations import count_operations
from likeness.models.adapters.decoupled_cross_attention import decoupled_cross_attention
from likeness.models.adapters.token_attention import attend
from likeness.models.adapters.tokens import Reading, Tokens, TokenScores
from likeness.models.placement.standing import Standing
from likeness.models.port.attention import Run

CHANNELS, HEADS = 16, 2
WAYS = ("one", "alone", "gaps", "shared")


def new_reading(way, people, length, positions, generator, *, rows=1, is_kept=True, is_by_row=False, is_scored=False):
    """What rows read, at random places."""
    people = 1 if way == "one" else people
    shape = (people, length, CHANNELS)
    keys, values = torch.randn(2, *((rows, *shape) if is_by_row else shape), generator=generator)
    tokens = Tokens.of(keys, values, is_kept=is_kept and not is_by_row)
    if is_scored:
        tokens = replace(tokens, scores=TokenScores(torch.randn(people, length, generator=generator)))
    if way == "one":
        return Reading(tokens, Standing(people=1, is_kept=is_kept))
    if way == "shared":
        weights = torch.rand(rows, positions, people, generator=generator)
        return Reading(tokens, Standing(people=people, weights=weights, is_kept=is_kept))
    most = people + (way == "gaps")
    choice = torch.randint(0, most, (rows, positions), generator=generator)
    return Reading(tokens, Standing(people=people, choice=choice, has_gaps=way == "gaps", is_kept=is_kept))


def expected(query, parts):
    """The same by the open form, rows apart."""
    found, first = [], 0
    for rows, reading in parts:
        own = query[first : first + rows]
        first += rows
        if reading is None:
            found.append(torch.zeros_like(own))
            continue
        tokens, shares = reading.tokens, reading.standing.shares(own)
        if tokens.scores is None:
            found.append(decoupled_cross_attention(own, *tokens.project(), shares, HEADS))
        else:
            found.append(scored(own, *tokens.project(), shares, tokens.scores.values))
    return torch.cat(found)


def scored(query, keys, values, shares, scores):
    """The same with something added to the scores of every token, one person after another."""
    added = torch.zeros_like(query)
    for number, own in enumerate(scores):
        q, k, v = (
            x.unflatten(-1, (HEADS, -1)).transpose(-2, -3)
            for x in (query, keys[..., number, :, :], values[..., number, :, :])
        )
        read = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5 + own, dim=-1) @ v
        added += shares[..., number, None] * read.transpose(-2, -3).flatten(-2)
    return added


@settings(max_examples=80, deadline=None)
@given(
    ways=st.lists(st.sampled_from((*WAYS, "nothing")), min_size=1, max_size=3),
    people=st.integers(1, 8),
    lengths=st.tuples(*[st.sampled_from((1, 4, 5))] * 3),
    rows=st.tuples(*[st.integers(1, 3)] * 3),
    positions=st.integers(1, 35),
    is_kept=st.booleans(),
    with_scores=st.tuples(*[st.booleans()] * 3),
    seed=st.integers(0, 99),
)
def test_equal_to_the_open_form(ways, people, lengths, rows, positions, is_kept, with_scores, seed):
    generator = torch.Generator().manual_seed(seed)
    parts = [
        (
            count,
            None
            if way == "nothing"
            else new_reading(
                way, people, length, positions, generator, rows=count, is_kept=is_kept, is_scored=has_scores
            ),
        )
        for way, length, count, has_scores in zip(ways, lengths, rows, with_scores, strict=False)
    ]
    query = torch.randn(sum(count for count, _ in parts), positions, CHANNELS, generator=generator)
    run = Run()
    got = attend(query, parts, HEADS, run)
    if all(reading is None for _, reading in parts):
        assert got is None
        return
    torch.testing.assert_close(got, expected(query, parts), atol=1e-5, rtol=1e-5)
    assert torch.equal(attend(query, parts, HEADS, run), got)  # of what was kept


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("way", WAYS)
def test_every_row_may_have_tokens_of_its_own(way, generator):
    query = torch.randn(3, 10, CHANNELS, generator=generator)
    parts = [(3, new_reading(way, 2, 4, 10, generator, rows=3, is_by_row=True))]
    torch.testing.assert_close(attend(query, parts, HEADS, Run()), expected(query, parts))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_where_nobody_stands_the_result_is_nothing(dtype, generator):
    reading = new_reading("gaps", 2, 4, 12, generator)
    reading = replace(
        reading,
        tokens=Tokens.of(*(part.to(dtype) for part in reading.tokens.project()), is_kept=True),
        standing=replace(reading.standing, choice=torch.tensor([[0, 1, 2] * 4])),
    )
    got = attend(torch.randn(1, 12, CHANNELS, generator=generator).to(dtype), [(1, reading)], HEADS, Run())
    assert got.dtype == dtype
    assert torch.isfinite(got).all()
    assert not got[:, 2::3].any()
    assert got[:, 0::3].any()


@pytest.mark.parametrize(("dtype", "most"), [(torch.float16, 4e-3), (torch.bfloat16, 3e-2)])
@pytest.mark.parametrize("way", WAYS)
def test_half_precision_is_within_its_own_error(way, dtype, most, generator):
    reading = new_reading(way, 3, 4, 20, generator)
    query = torch.randn(1, 20, CHANNELS, generator=generator)
    standing = reading.standing
    if standing.weights is not None:
        standing = replace(standing, weights=standing.weights.to(dtype))
    half = Reading(Tokens.of(*(part.to(dtype) for part in reading.tokens.project()), is_kept=True), standing)
    got = attend(query.to(dtype), [(1, half)], HEADS, Run())
    torch.testing.assert_close(got.float(), expected(query, [(1, reading)]), atol=most, rtol=most)


def both_sides(way, people, length, generator):
    """A positive and a negative row; nobody is as long as a person."""
    return [
        (1, new_reading(way, people, length, 20, generator)),
        (1, new_reading("one" if way == "alone" else way, 1, length, 20, generator)),
    ]


@pytest.mark.parametrize(
    ("way", "people", "most"), [("one", 1, 1), ("gaps", 1, 1), ("alone", 3, 3), ("gaps", 3, 3), ("shared", 3, 4)]
)
def test_what_never_changes_is_made_once(way, people, most, generator):
    """One attention where rows of both sides are alike; where theirs would be more work, one for each and what joins them."""
    query, run = torch.randn(2, 20, CHANNELS, generator=generator), Run()
    parts = both_sides(way, people, 16, generator)
    attend(query, parts, HEADS, run)
    kept = len(run.memo)
    with torch.inference_mode():
        operations = count_operations(lambda: attend(query, parts, HEADS, run))
    assert sum(operations.values()) <= most, operations
    assert len(run.memo) == kept


def test_scores_of_tokens_serve_layers_of_every_size(generator):
    """Who is everywhere stands so in every layer, and the mask that a run keeps knows no positions."""
    run, reading = Run(), new_reading("one", 1, 4, 20, generator, is_scored=True)
    for positions in (20, 5, 80):
        query = torch.randn(2, positions, CHANNELS, generator=generator)
        parts = [(2, reading)]
        torch.testing.assert_close(attend(query, parts, HEADS, run), expected(query, parts), atol=1e-5, rtol=1e-5)


def test_without_scores_a_layer_of_one_person_has_no_mask(generator, monkeypatch):
    masks = []

    def watched(*args, attn_mask=None, **kwargs):
        masks.append(attn_mask)
        return torch.nn.functional.scaled_dot_product_attention(*args, attn_mask=attn_mask, **kwargs)

    monkeypatch.setattr(attention, "scaled_dot_product_attention", watched)
    query = torch.randn(1, 20, CHANNELS, generator=generator)
    for is_scored in (False, True):
        attend(query, [(1, new_reading("one", 1, 4, 20, generator, is_scored=is_scored))], HEADS, Run())
    assert masks[0] is None
    assert masks[1] is not None


@pytest.mark.parametrize("way", WAYS)
def test_a_token_of_weight_two_is_read_as_if_it_stood_there_twice(way, generator):
    reading = new_reading(way, 2, 4, 20, generator)
    keys, values = reading.tokens.project()
    twice = replace(
        reading, tokens=Tokens.of(*(torch.cat([part, part[:, 1:2]], 1) for part in (keys, values)), is_kept=True)
    )
    scores = torch.zeros(len(keys), 4)
    scores[:, 1] = torch.tensor(2.0).log()
    weighed = replace(reading, tokens=replace(reading.tokens, scores=TokenScores(scores)))
    query = torch.randn(1, 20, CHANNELS, generator=generator)
    got, wanted = (attend(query, [(1, each)], HEADS, Run()) for each in (weighed, twice))
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(got, attend(query, [(1, reading)], HEADS, Run()))


def test_a_choice_that_changes_keeps_nothing_but_the_tokens(generator):
    query, run = torch.randn(1, 20, CHANNELS, generator=generator), Run()
    tokens = new_reading("alone", 2, 4, 20, generator).tokens
    for _ in range(3):
        choice = torch.randint(0, 2, (1, 20), generator=generator)
        parts = [(1, Reading(tokens, Standing(people=2, choice=choice)))]
        torch.testing.assert_close(attend(query, parts, HEADS, run), expected(query, parts), atol=1e-5, rtol=1e-5)
        assert len(run.memo) == 2  # the tokens as attention takes them, and the rows of all masks


def test_what_rows_do_not_keep_is_not_kept(generator):
    run, query = Run(), torch.randn(2, 20, CHANNELS, generator=generator)
    parts = [(2, new_reading("shared", 2, 4, 20, generator, rows=2, is_by_row=True, is_kept=False))]
    attend(query, parts, HEADS, run)
    assert not run.memo


@pytest.mark.parametrize("way", WAYS)
def test_gradients_reach_query_and_tokens(way, generator):
    reading = new_reading(way, 2, 4, 20, generator)
    query = torch.randn(1, 20, CHANNELS, generator=generator).requires_grad_(True)
    keys, values = (part.requires_grad_(True) for part in reading.tokens.project())
    attend(query, [(1, Reading(Tokens.of(keys, values), reading.standing))], HEADS, Run()).square().sum().backward()
    for tensor in (query, keys, values):
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.any()


def test_slices_change_nothing(monkeypatch, generator):
    query = torch.randn(2, 37, CHANNELS, generator=generator)
    parts = [(2, new_reading("shared", 3, 4, 37, generator, rows=2))]
    whole = attend(query, parts, HEADS, Run())
    monkeypatch.setattr(module, "LARGEST_SCORES", 0)
    monkeypatch.setattr(module, "SLICE_OF_SCORES", 3 * 4 * 5 * HEADS)
    torch.testing.assert_close(attend(query, parts, HEADS, Run()), whole, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_a_run_keeps_keys_and_values_only_as_they_are_laid_out(way):
    """They are projected once, and what was projected is let go."""
    reading = new_reading(way, 3, 4, 9, torch.Generator().manual_seed(0))
    projected = []

    def project():
        keys, values = (part.clone() for part in reading.tokens.project())
        projected.append((weakref.ref(keys), weakref.ref(values)))
        return keys, values

    once = replace(reading, tokens=replace(reading.tokens, project=project))
    run, query = Run(), torch.randn(2, 9, CHANNELS)
    for _ in range(2):
        attend(query, [(2, once)], HEADS, run)
    assert len(projected) == 1
    assert [part() for part in projected[0]] == [None, None]
