"""What several residuals add to the rows of both sides of guidance."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from likeness.models.adapters.tokens import Reading, Tokens
from likeness.models.placement.standing import Standing
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run

pytestmark = pytest.mark.comfy

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")
QUERY = torch.randn(4, 9, 8, generator=torch.Generator().manual_seed(0))
SIDES = ((slice(0, 2), Polarity.NEGATIVE), (slice(2, 4), Polarity.POSITIVE))


class Adds:
    """Adds a number on some sides."""

    def __init__(self, number, *sides, wants=True):
        self.number, self.sides, self.wanted, self.asked = number, sides, wants, 0

    def wants(self, site):
        del site
        return self.wanted

    def __call__(self, site, call):
        del site
        self.asked += 1
        return torch.full_like(call.query, self.number) if call.polarity in self.sides else None


class Reads:
    """Reads tokens on some sides, and adds a number beside them."""

    def __init__(self, number, *sides):
        self.number, self.sides = number, sides
        self.tokens = Tokens.of(*torch.randn(2, 1, 3, 8, generator=torch.Generator().manual_seed(1)), is_kept=True)

    def wants(self, site):
        del site
        return True

    def read(self, site, call):
        del site
        if call.polarity not in self.sides:
            return None, None
        return Reading(self.tokens, Standing(people=1, is_kept=True)), torch.full_like(call.query, self.number)

    def __call__(self, site, call):
        raise AssertionError("what is read is attended to by the host")


def attended(rows, tokens):
    query, key, value = (
        part.unflatten(-1, (2, 4)).transpose(1, 2)
        for part in (rows, *(part[0].expand(2, -1, -1) for part in tokens.project()))
    )
    return ((query @ key.mT / 2).softmax(-1) @ value).transpose(1, 2).flatten(2)


@pytest.fixture
def summed():
    from likeness.host.unet.addition import added

    run = Run()

    def calls(*_):
        for rows, polarity in SIDES:
            yield (
                rows,
                AttentionCall(
                    hidden=QUERY[rows],
                    query=QUERY[rows],
                    base=None,
                    heads=2,
                    grid=(3, 3),
                    polarity=polarity,
                    samples=(0, 1),
                    sigma=1.0,
                    crop=None,
                    run=run,
                ),
            )

    def of(*residuals):
        call, pending = SimpleNamespace(attention_calls=calls, run=run), SimpleNamespace(site=SITE, heads=2)
        return added(residuals, call, pending, QUERY, None, None)

    return of


def test_nothing_is_added_where_nobody_adds(summed):
    assert summed(Adds(1.0), Reads(1.0)) is None
    assert summed() is None


def test_who_does_not_want_the_layer_is_not_asked(summed):
    unasked = Adds(1.0, *Polarity, wants=False)
    assert torch.equal(summed(unasked, Adds(2.0, *Polarity)), torch.full_like(QUERY, 2))
    assert unasked.asked == 0


def test_a_side_on_which_nothing_is_added_gets_zeros(summed):
    found = summed(Adds(3.0, Polarity.POSITIVE))
    assert torch.equal(found[:2], torch.zeros_like(found[:2]))
    assert torch.equal(found[2:], torch.full_like(found[2:], 3))


@pytest.mark.parametrize("sides", [(Polarity.NEGATIVE, Polarity.POSITIVE), (Polarity.POSITIVE,)])
def test_parts_of_all_residuals_are_summed_whatever_they_are(summed, sides):
    reads = Reads(0.5, *sides)
    found = summed(reads, Adds(2.0, Polarity.NEGATIVE), Reads(0.25, *sides))
    for rows, polarity in SIDES:
        expected = torch.zeros_like(QUERY[rows])
        if polarity in sides:
            expected = 2 * attended(QUERY[rows], reads.tokens) + 0.75
        if polarity is Polarity.NEGATIVE:
            expected = expected + 2
        torch.testing.assert_close(found[rows], expected)
