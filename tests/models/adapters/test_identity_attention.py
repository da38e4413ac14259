"""People at one attention layer: when somebody acts."""

from dataclasses import replace

import pytest
import torch
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.adapters.identity_attention import Acting, IdentityResidual
from likeness.models.placement.placements import Everywhere
from likeness.models.placement.windows import ALWAYS, SigmaWindow
from likeness.models.port.attention import AttentionSite, Polarity, Run
from torch import nn

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")


@pytest.fixture
def residual():
    def build(*people):
        torch.manual_seed(0)
        return IdentityResidual(
            attention=nn.ModuleDict({"1": KeyValueProjection(5, 8)}).requires_grad_(False),
            tokens=torch.randn(len(people), 4, 5),
            null_tokens=torch.randn(1, 4, 5),
            people=tuple(Acting(name="a", strength=strength, window=window) for strength, window in people),
            placement=Everywhere(len(people)),
        )

    return build


@pytest.fixture
def asked(call):
    query = torch.randn(1, 6, 8, generator=torch.Generator().manual_seed(1))
    return replace(call((2, 3)), query=query)


def test_nobody_acts_outside_the_windows(residual, asked):
    late = SigmaWindow(start=0.5)
    assert residual((1.0, late), (0.0, ALWAYS))(SITE, asked) is None
    assert residual((1.0, late), (0.5, ALWAYS))(SITE, asked) is not None
    assert residual((1.0, late))(SITE, replace(asked, sigma=0.4)) is not None


def test_strength_is_a_factor_on_both_sides(residual, asked):
    """The negative side takes the mean strength of those who act, so that guidance compares like with like."""
    for polarity, factor in ((Polarity.POSITIVE, 2.0), (Polarity.NEGATIVE, 2.0)):
        side = replace(asked, polarity=polarity)
        one, two = (residual((strength, ALWAYS), (strength, ALWAYS))(SITE, side) for strength in (0.5, 1.0))
        torch.testing.assert_close(two, factor * one)
    negative = replace(asked, polarity=Polarity.NEGATIVE)
    mixed = residual((2.0, ALWAYS), (0.0, ALWAYS))(SITE, negative)
    torch.testing.assert_close(mixed, 2 * residual((1.0, ALWAYS), (1.0, ALWAYS))(SITE, negative))


@pytest.mark.parametrize("polarity", [Polarity.POSITIVE, Polarity.NEGATIVE])
@pytest.mark.parametrize("strength", [1.0, 0.7])
def test_people_of_each_row_are_what_they_would_be_for_that_row_alone(residual, call, polarity, strength):
    shared = residual((strength, ALWAYS), (1.0, ALWAYS))
    generator = torch.Generator().manual_seed(2)
    tokens = torch.randn(4, 2, 4, 5, generator=generator)
    rows = replace(call((2, 3), (1, 2)), query=torch.randn(2, 6, 8, generator=generator), polarity=polarity)
    together = replace(shared, tokens=tokens)(SITE, rows)
    for row, sample in enumerate(rows.samples):
        alone = replace(shared, tokens=tokens[sample])(SITE, replace(rows, query=rows.query[row : row + 1], run=Run()))
        torch.testing.assert_close(together[row : row + 1], alone)


def test_only_what_all_pictures_share_is_kept_for_the_run(residual, asked):
    shared = residual((1.0, ALWAYS))
    rows = replace(shared, tokens=shared.tokens[None].clone().requires_grad_(True))
    # who stands where; of what all share also keys and values, as they are and as attention takes them
    for one, kept in ((shared, 3), (rows, 1)):
        run = Run()
        first, again = (one(SITE, replace(asked, run=run)) for _ in range(2))
        assert torch.equal(first, again)
        assert len(run.memo) == kept
    again.sum().backward()
    assert rows.tokens.grad.any()
