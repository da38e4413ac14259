"""People and an adapter become what every host attaches: scales, LoRA, strengths, windows, placement."""

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.placement.placements import Everywhere, Masks, MasksFirst
from likeness.models.placement.windows import SigmaWindow
from likeness.models.uniportrait.adapter import Routed
from likeness.models.uniportrait.application import identity_residual, lora_for, placement_of, structure_for
from likeness.models.uniportrait.checkpoint import load
from likeness.models.uniportrait.encode import EncodedPeople
from likeness.tests.models.uniportrait.conftest import SIZES, WIDTHS
from likeness.tests.people import someone

LEFT = torch.zeros(1, 4, 4)
LEFT[:, :, :2] = 1


@pytest.fixture
def adapter(faceid_file, router_file):
    return load(faceid_file, router_file, dim_head=8)


def tokens(n):
    return torch.randn(n, SIZES.tokens, SIZES.output, generator=torch.Generator().manual_seed(n))


@pytest.fixture
def residual(adapter):
    def build(*people, **settings):
        encoded = EncodedPeople(tokens=tokens(len(people)), null_tokens=tokens(1))
        return identity_residual(adapter, people, encoded, Everywhere(len(people)), **settings)

    return build


@pytest.mark.parametrize(
    ("people", "asked", "expected"),
    [(1, -1.0, 0.1), (2, -1.0, 0.3), (5, -0.01, 0.3), (1, 0.0, 0.0), (2, 0.7, 0.7), (1, 1.0, 1.0)],
)
def test_the_structure_scale_is_the_published_one_unless_another_is_asked_for(people, asked, expected):
    assert structure_for(people, asked) == expected


def test_a_structure_scale_above_one_is_refused():
    with pytest.raises(InvalidSettingError, match=r"structure_scale is 1\.1; choose a number from 0 to 1"):
        structure_for(2, 1.1)


def test_one_person_and_several_have_a_lora_each_and_nobody_has_none(adapter):
    assert lora_for(adapter, 0) is None
    assert lora_for(adapter, 1) is adapter.single_lora
    assert lora_for(adapter, 2) is lora_for(adapter, 8) is adapter.multi_lora
    assert adapter.single_lora is not adapter.multi_lora


def test_several_people_without_the_router_file_are_refused(faceid_file):
    single = load(faceid_file, dim_head=8)
    assert lora_for(single, 1) is not None
    with pytest.raises(InvalidSettingError, match=r"3 people need the router file.*models/uniportrait"):
        lora_for(single, 3)


def test_strengths_are_factors_and_windows_the_host_s(residual):
    made = residual(
        someone("Ada", strength=2.0, start_percent=0.25),
        someone("Ben", end_percent=0.5),
        strength=0.6,
        window=lambda start, end: SigmaWindow(start=1 - start, end=1 - end),
    )
    ada, ben = made.people
    assert (ada.name, ada.strength, ben.strength) == ("Ada", 1.2, 0.6)
    assert (ada.window.contains(0.7), ada.window.contains(0.8)) == (True, False)
    assert (ben.window.contains(0.6), ben.window.contains(0.4)) == (True, False)


def test_without_a_host_s_schedule_everybody_acts_at_every_noise_level(residual):
    [ada] = residual(someone("Ada", start_percent=0.9)).people
    assert all(ada.window.contains(sigma) for sigma in (0.0, 1.0, 1000.0))
    assert ada.strength == 0.7, "that of the published code"


@pytest.mark.parametrize("strength", [-0.1, 2.1])
def test_a_strength_out_of_range_is_refused(residual, strength):
    with pytest.raises(InvalidSettingError, match="strength is"):
        residual(someone(), strength=strength)


def test_the_adapter_s_keys_act_on_the_people_s_tokens(residual, adapter):
    made = residual(someone("Ada"), someone("Ben"))
    assert made.attention is adapter.face_attention
    assert set(made.attention) == {str(index) for index in WIDTHS}
    assert torch.equal(made.tokens, tokens(2))
    assert torch.equal(made.null_tokens, tokens(1))


@pytest.mark.parametrize(
    ("masks", "by", "kind"),
    [
        ((None,), "router", Everywhere),
        ((None, None), "router where no mask is", Routed),
        ((LEFT, LEFT), "router", Routed),
        ((LEFT, 1 - LEFT), "router where no mask is", Masks),
        ((None, LEFT, None), "router where no mask is", MasksFirst),
    ],
)
def test_people_are_placed_by_masks_and_the_adapter_s_own_router(adapter, masks, by, kind):
    people = [someone(f"person {place}", place, mask=mask) for place, mask in enumerate(masks)]
    assert type(placement_of(adapter, people, tokens(len(people)), by)) is kind


def test_the_router_compares_the_tokens_of_those_whom_it_places(adapter):
    people = [someone("Ada"), someone("Ben", mask=LEFT), someone("Cid")]
    placement = placement_of(adapter, people, tokens(3))
    assert (placement.masked, placement.others) == ((1,), (0, 2))
    assert torch.equal(placement.placement.tokens, tokens(3)[[0, 2]])
    assert placement.placement.routers is adapter.routers


def test_masks_alone_let_nobody_blend(adapter):
    with pytest.raises(InvalidSettingError, match="2 of 2 people have no mask"):
        placement_of(adapter, [someone("Ada"), someone("Ben")], tokens(2), "masks")
