"""Text that belongs to one person: what each place of the picture reads of a prompt."""

from dataclasses import replace

import pytest
import torch
from likeness.models.adapters import decoupled_cross_attention
from likeness.models.adapters.regional_text import EVERYBODY, regional_text
from likeness.models.port.attention import Polarity, TextRows
from torch.nn.functional import scaled_dot_product_attention

ROWS, WIDTH, HEADS = 6, 8, 2
OWNERS = (EVERYBODY, 0, 0, EVERYBODY, 1, 1)


@pytest.fixture
def spoken(call):
    """A call of 2 × 3 places whose prompt has rows of two people."""

    def build(owners=OWNERS, seed=0, *, rows=1, dtype=torch.float32):
        generator = torch.Generator().manual_seed(seed)
        empty = call((2, 3), samples=tuple(range(rows)))
        query = torch.randn(rows, 6, WIDTH, generator=generator).to(dtype)
        keys, values = torch.randn(2, rows, len(owners), WIDTH, generator=generator).to(dtype)
        return replace(empty, query=query, text=TextRows(keys, values, owners))

    return build


def attention(call, *, rows=slice(None)):
    """Attention to some of the prompt's rows."""
    q, k, v = (
        x.unflatten(-1, (HEADS, -1)).transpose(1, 2)
        for x in (call.query, call.text.keys[:, rows], call.text.values[:, rows])
    )
    return scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def where(*first):
    """Weights of two people at six places; the second has the rest."""
    weights = torch.tensor(first)
    return torch.stack([weights, 1 - weights], dim=-1)[None]


HARD = where(1.0, 1.0, 1.0, 0.0, 0.0, 0.0)


def test_each_place_reads_its_own_rows_and_those_of_everybody(spoken):
    call = spoken()
    got = attention(call) + regional_text(call, HARD)
    one, other = attention(call, rows=[0, 1, 2, 3]), attention(call, rows=[0, 3, 4, 5])
    torch.testing.assert_close(got[:, :3], one[:, :3])
    torch.testing.assert_close(got[:, 3:], other[:, 3:])


def test_another_person_s_rows_have_no_influence_at_all(spoken):
    """However large they are: what is left is the rounding of the attention that did read them."""
    call = spoken()
    keys, values = call.text.keys.clone(), call.text.values.clone()
    keys[:, 4:], values[:, 4:] = 7.0, -1e4
    changed = replace(call, text=replace(call.text, keys=keys, values=values))
    base, other = attention(call), attention(changed)
    before, after = base + regional_text(call, HARD), other + regional_text(changed, HARD)
    torch.testing.assert_close(before[:, :3], after[:, :3], atol=2e-3, rtol=0)
    assert not torch.allclose(before[:, 3:], after[:, 3:])


def test_soft_weights_lie_between_the_two(spoken):
    call = spoken()
    values = torch.zeros(1, ROWS, WIDTH)
    values[:, 1:3], values[:, 4:] = 1.0, -1.0
    call = replace(call, text=replace(call.text, keys=torch.zeros_like(call.text.keys), values=values))
    got = (attention(call) + regional_text(call, where(1.0, 0.75, 0.5, 0.25, 0.0, 0.5)))[0, :, 0]
    torch.testing.assert_close(got, torch.tensor([0.5, 0.25, 0.0, -0.25, -0.5, 0.0]), atol=1e-6, rtol=0)


def test_nothing_changes_where_nobody_owns_a_row(spoken):
    call = spoken((EVERYBODY,) * ROWS)
    torch.testing.assert_close(regional_text(call, HARD), torch.zeros(1, 6, WIDTH), atol=1e-6, rtol=0)


def test_a_place_of_nobody_reads_the_rows_of_everybody(spoken):
    call = spoken()
    got = attention(call) + regional_text(call, torch.zeros(1, 6, 2))
    torch.testing.assert_close(got, attention(call, rows=[0, 3]))


@pytest.mark.parametrize("times", [2, 3])
def test_a_repeated_prompt_is_the_prompt(spoken, times):
    """ComfyUI repeats a prompt to the length of a longer one in the same batch; attention does not notice."""
    call = spoken()
    text = TextRows(call.text.keys.repeat(1, times, 1), call.text.values.repeat(1, times, 1), OWNERS * times)
    torch.testing.assert_close(
        regional_text(replace(call, text=text), HARD), regional_text(call, HARD), atol=1e-6, rtol=1e-5
    )


def test_rows_of_a_batch_have_their_own_weights(spoken):
    call = spoken(rows=2)
    weights = torch.cat([HARD, HARD.flip(-1)])
    got = attention(call) + regional_text(call, weights)
    one, other = attention(call, rows=[0, 1, 2, 3]), attention(call, rows=[0, 3, 4, 5])
    torch.testing.assert_close(got[0, :3], one[0, :3])
    torch.testing.assert_close(got[1, :3], other[1, :3])


def test_half_precision_stays_finite(spoken):
    call = spoken(dtype=torch.bfloat16)
    weights = where(1.0, 1e-6, 0.5, 0.0, 1e-30, 1.0).to(torch.bfloat16)
    got = regional_text(call, weights)
    assert got.dtype is torch.bfloat16
    assert got.isfinite().all()


@pytest.mark.parametrize("case", ["negative", "one person", "no owners"])
def test_when_there_is_nothing_to_do(spoken, case):
    call = spoken()
    weights = HARD[..., :1] if case == "one person" else HARD
    if case == "negative":
        call = replace(call, polarity=Polarity.NEGATIVE)
    if case == "no owners":
        call = replace(call, text=None)
    assert regional_text(call, weights) is None


def test_slices_change_nothing(spoken, monkeypatch):
    whole = regional_text(spoken(), HARD)
    monkeypatch.setattr(decoupled_cross_attention, "LARGEST_SCORES", 0)
    monkeypatch.setattr(decoupled_cross_attention, "SLICE_OF_SCORES", HEADS * len(OWNERS) * 4)
    torch.testing.assert_close(regional_text(spoken(), HARD), whole, atol=1e-6, rtol=1e-6)
