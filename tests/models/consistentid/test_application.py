"""People become the residual that every host attaches."""

from dataclasses import replace

import pytest
import torch
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.adapters.identity_attention import Acting, EncodedPeople, IdentityResidual
from likeness.models.adapters.regional_text import regional_text
from likeness.models.consistentid.application import ConsistentIDResidual, consistentid_residual
from likeness.models.consistentid.checkpoint import load
from likeness.models.errors import InvalidSettingError
from likeness.models.placement.placements import Everywhere
from likeness.models.placement.windows import ALWAYS, SigmaWindow
from likeness.models.port.attention import AttentionSite, Polarity, TextRows
from likeness.tests.models.consistentid.conftest import HEAD, TOKENS, WIDTH
from likeness.tests.models.consistentid.small_encoders import person
from torch import nn

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")
LATE = SigmaWindow(start=0.5)


@pytest.fixture
def residual():
    def build(people=2, strength=1.0, window=ALWAYS):
        torch.manual_seed(0)
        return ConsistentIDResidual(
            IdentityResidual(
                attention=nn.ModuleDict({"1": KeyValueProjection(5, 8)}).requires_grad_(False),
                tokens=torch.randn(people, 4, 5),
                null_tokens=torch.randn(1, 4, 5),
                people=tuple(Acting(name=str(n), strength=strength, window=window) for n in range(people)),
                placement=Everywhere(people),
            )
        )

    return build


@pytest.fixture
def spoken(call):
    generator = torch.Generator().manual_seed(1)
    keys, values = torch.randn(2, 1, 5, 8, generator=generator)
    query = torch.randn(1, 6, 8, generator=generator)
    return replace(call((2, 3)), query=query, text=TextRows(keys, values, (-1, 0, 0, 1, 1)))


def test_wants_the_layers_that_the_adapter_knows(residual):
    one = residual()
    assert one.wants(SITE)
    assert not one.wants(replace(SITE, index=3))
    assert not one.wants(replace(SITE, kind="self"))


def test_without_regional_text_it_is_the_attention_to_the_id_tokens(residual, spoken):
    one, call = residual(1), replace(spoken, text=None)
    assert torch.equal(one(SITE, call), one.identity(SITE, call))


def test_with_regional_text_both_parts_add_up(residual, spoken):
    two = residual()
    weights = Everywhere(2)(SITE, spoken)
    expected = two.identity(SITE, spoken) + regional_text(spoken, weights)
    torch.testing.assert_close(two(SITE, spoken), expected)


def test_words_stay_in_their_place_while_the_id_tokens_are_off(residual, spoken):
    expected = regional_text(spoken, Everywhere(2)(SITE, spoken))
    for silent in (residual(strength=0.0), residual(window=LATE)):
        torch.testing.assert_close(silent(SITE, spoken), expected)


def test_the_negative_side_reads_the_null_tokens_alone(residual, spoken):
    two, negative = residual(), replace(spoken, polarity=Polarity.NEGATIVE)
    torch.testing.assert_close(two(SITE, negative), two.identity(SITE, negative))
    assert not torch.allclose(two(SITE, negative), two.identity(SITE, spoken))


def test_nothing_to_add(residual, spoken):
    silent = residual(strength=0.0)
    assert silent(SITE, replace(spoken, text=None)) is None
    assert silent(SITE, replace(spoken, polarity=Polarity.NEGATIVE)) is None


def test_rows_name_their_owners_by_place_in_the_chain(residual, spoken):
    """The same people and words, whoever stands in the chain before them and does not act."""
    two = residual()
    moved = replace(two, places=(1, 3))
    said = replace(spoken, text=replace(spoken.text, owners=(-1, 1, 1, 3, 3)))
    assert torch.equal(moved(SITE, said), two(SITE, spoken))


def test_words_of_somebody_who_does_not_act_are_everybody_s(residual, spoken):
    two = replace(residual(), places=(1, 2))
    said, plain = (
        replace(spoken, text=replace(spoken.text, owners=owners)) for owners in ((-1, 0, 5, 1, 2), (-1, -1, -1, 1, 2))
    )
    assert torch.equal(two(SITE, said), two(SITE, plain))


def test_one_person_who_acts_leaves_the_text_alone(residual, spoken):
    one = replace(residual(1), places=(1,))
    assert torch.equal(one(SITE, spoken), one.identity(SITE, spoken))


@pytest.fixture
def build(consistentid_file):
    adapter = load(consistentid_file, dim_head=HEAD)

    def run(*people, **settings):
        encoded = EncodedPeople(
            tokens=torch.ones(len(people), TOKENS, WIDTH), null_tokens=torch.zeros(1, TOKENS, WIDTH)
        )
        return consistentid_residual(
            adapter,
            people,
            encoded,
            Everywhere(len(people)),
            places=range(1, 1 + len(people)),
            window=lambda start, end: SigmaWindow(start=1 - start, end=1 - end),
            **settings,
        )

    return run


def test_strengths_are_factors_and_windows_the_host_s(build):
    residual = build(person("Ada", strength=3.0, start_percent=0.25), person("Bob", end_percent=0.5), strength=0.5)
    ada, bob = residual.identity.people
    assert (ada.name, ada.strength, bob.strength) == ("Ada", 1.5, 0.5)
    assert (ada.window.contains(0.7), ada.window.contains(0.8)) == (True, False)
    assert (bob.window.contains(0.6), bob.window.contains(0.4)) == (True, False)
    assert residual.places == (1, 2)


@pytest.mark.parametrize("strength", [-0.1, 2.1])
def test_a_strength_out_of_range_is_refused(build, strength):
    with pytest.raises(InvalidSettingError, match="strength is"):
        build(person(), strength=strength)
