"""The state of one UNet call."""

from __future__ import annotations

import math

import pytest
import torch
from likeness.models.errors import LikenessError
from likeness.models.port.attention import AttentionSite, Polarity, Run
from torch import nn

pytestmark = pytest.mark.comfy

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")


def begin(*conds, rows=None, **options):
    """A call with a chunk for each cond, on a latent of 4 by 6."""
    from likeness.host.unet.call import UNetCall

    known = dict(enumerate(conds))
    told = {"uuids": list(known), "likeness.conds": known, "cond_or_uncond": list(known), **options}
    return UNetCall.begin(nn.Identity(), torch.zeros(rows or len(conds), 4, 4, 6), None, told)


def cond(polarity=Polarity.POSITIVE, **known):
    from likeness.host.sampling.conds import CondInfo

    return CondInfo(polarity, **known)


def pending(rows=2, positions=24, grid=(4, 6)):
    from likeness.host.unet.call import PendingLayer

    hidden = torch.arange(rows * positions * 8.0).view(rows, positions, 8)
    return PendingLayer(SITE, hidden, 2, grid, (torch.zeros(rows, 3, 5), torch.zeros(rows, 3, 5)))


def test_a_layer_is_pending_until_it_is_taken():
    call, layer = begin(cond()), pending()
    call.pending = layer
    assert call.take() is layer
    with pytest.raises(LikenessError, match="No attention layer is pending"):
        call.take()


def test_the_noise_level_is_read_and_none_counts_as_the_highest():
    assert begin(cond(), sigmas=torch.tensor([2.5])).sigma == 2.5
    assert begin(cond()).sigma == math.inf


def test_the_run_is_that_of_the_sampler_or_one_for_this_call():
    run = Run()
    assert begin(cond(), **{"likeness.run": run}).run is run
    assert begin(cond()).run is not begin(cond()).run


def test_residuals_see_the_rows_of_each_side():
    call, layer = begin(cond(), cond(Polarity.NEGATIVE)), pending()
    query, base = layer.hidden + 1, layer.hidden + 2
    (first, positive), (second, negative) = call.attention_calls(layer, query, base, None)
    assert (first, second) == (slice(0, 1), slice(1, 2))
    assert (positive.polarity, negative.polarity) == (Polarity.POSITIVE, Polarity.NEGATIVE)
    for rows, seen in ((first, positive), (second, negative)):
        assert torch.equal(seen.hidden, layer.hidden[rows])
        assert torch.equal(seen.query, query[rows])
        assert torch.equal(seen.base, base[rows])
        assert (seen.grid, seen.heads, seen.samples, seen.text) == ((4, 6), 2, (0,), None)


def test_what_another_pack_hides_is_not_there():
    [(_, seen)] = begin(cond()).attention_calls(pending(1), pending(1).hidden, None, None)
    assert seen.base is None


@pytest.mark.parametrize("times", [1, 3])
def test_owners_are_repeated_with_the_text(times):
    """ComfyUI repeats a prompt to the length of a longer one in the same batch."""
    owners = (0, -1, 1)
    text = torch.randn(2, 1, 3 * times, 8, generator=torch.Generator().manual_seed(0))
    [(_, seen)] = begin(cond(owners=owners)).attention_calls(pending(1), pending(1).hidden, None, tuple(text))
    assert seen.text is not None
    assert seen.text.owners == owners * times
    assert torch.equal(seen.text.keys, text[0])
    assert torch.equal(seen.text.values, text[1])


def test_text_of_another_length_is_seen_by_everybody_with_one_warning(caplog):
    call, layer = begin(cond(owners=(0, -1, 1))), pending(1)
    for _ in range(2):
        [(_, seen)] = call.attention_calls(layer, layer.hidden, None, (torch.zeros(1, 4, 8), torch.zeros(1, 4, 8)))
        assert seen.text is None
    assert caplog.text.count("changed the prompt's rows") == 1


def test_other_rows_of_a_pending_layer_leave_it_as_it_is():
    layer = pending()
    other = layer.with_hidden(layer.hidden[:1])
    assert other.hidden.shape[0] == 1
    assert layer.hidden.shape[0] == 2
    assert (other.site, other.heads, other.grid) == (layer.site, layer.heads, layer.grid)
