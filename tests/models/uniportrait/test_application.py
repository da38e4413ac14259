"""People and an adapter become what every host attaches: scales, LoRA, strengths, windows, placement."""

from dataclasses import replace

import pytest
import torch
from likeness.models.adapters.identity_attention import Acting, EncodedPeople, IdentityResidual, people_residual
from likeness.models.errors import InvalidSettingError
from likeness.models.ip_adapter.application import PictureResidual
from likeness.models.placement.placements import Everywhere, Masks, MasksFirst, combine
from likeness.models.placement.windows import ALWAYS, SigmaWindow
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.models.uniportrait.application import (
    STRENGTH,
    Routed,
    lora_for,
    placement_of,
    structure_for,
)
from likeness.models.uniportrait.checkpoint import load
from likeness.tests.models.uniportrait.conftest import SIZES, WIDTHS
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.uniportrait.cases import HERE, cross_attention_case, cross_attention_variants
from likeness.tests.people import someone
from torch.testing import assert_close

CASES = Folder(HERE)
SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=64, path="")
LEFT = torch.zeros(1, 4, 4)
LEFT[:, :, :2] = 1


class Without:
    """A placement that gives the first picture of a batch to nobody, as style sharing does."""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, site, call):
        keep = torch.tensor([float(sample != 0) for sample in call.samples])
        return self.inner(site, call) * keep[:, None, None]


def row_call(case, row, *, polarity=Polarity.POSITIVE, sample=0, run=None, sigma=1.0):
    rows = slice(row, row + 1)
    return AttentionCall(
        hidden=case.hidden[rows],
        query=case.query()[rows],
        base=case.base()[rows],
        heads=case.heads,
        grid=case.grid,
        polarity=polarity,
        samples=(sample,),
        sigma=sigma,
        crop=None,
        run=run or Run(),
    )


def row_residual(case, row, strength, shared):
    tokens = case.identity_tokens[row]
    masks = (None,) * len(tokens) if case.faceid_mask is None else tuple(case.faceid_mask[:, None])
    placement = combine(masks, Routed(case.adapter.routers, tokens))
    people = tuple(Acting(name=str(place), strength=strength) for place in range(len(tokens)))
    return IdentityResidual(
        attention=case.adapter.face_attention,
        tokens=tokens,
        null_tokens=tokens[:1],
        people=people,
        placement=Without(placement) if shared else placement,
    )


def layer_output(case, row, sample):
    """One row through the residuals; the stored rows all have tokens of their own, so each is a run of its own."""
    call = row_call(case, row, sample=sample)
    shared = case.settings.get("enable_share_attn", False)
    attended = call.base
    if case.settings.get("faceid_scale", 0) > 0:
        attended = attended + row_residual(case, row, case.settings["faceid_scale"], shared)(SITE, call)
    if case.settings.get("ip_scale", 0) > 0:
        mask = case.ip_mask
        if shared:
            mask = torch.ones(len(call.samples), 8, 8) * float(sample != 0)
        branch = PictureResidual(
            attention=case.adapter.image_prompt.attention,
            tokens=case.image_tokens[row : row + 1],
            null_tokens=case.image_tokens[row : row + 1],
            strength=case.settings["ip_scale"],
            mask=mask,
            resize="nearest",
        )
        attended = attended + branch(SITE, call)
    return case.project(attended)


@pytest.mark.parametrize("variant", cross_attention_variants(CASES))
def test_published_numbers(variant):
    case = cross_attention_case(variant, CASES)
    half = len(case.hidden) // 2
    got = torch.cat([layer_output(case, row, row % half) for row in range(len(case.hidden))])
    assert_close(got, case.expected, atol=case.atol, rtol=case.rtol)


def two_people(*, strengths=(0.7, 0.7), windows=(ALWAYS, ALWAYS), placement=None):
    case = cross_attention_case("n2", CASES)
    tokens = case.identity_tokens[1]
    people = tuple(
        Acting(name=name, strength=strength, window=window)
        for name, strength, window in zip("ab", strengths, windows, strict=True)
    )
    residual = IdentityResidual(
        attention=case.adapter.face_attention,
        tokens=tokens,
        null_tokens=case.identity_tokens[0, :1],
        people=people,
        placement=placement or Routed(case.adapter.routers, tokens),
    )
    return case, residual


def test_negative_rows_use_the_null_identity_with_the_mean_active_strength():
    case, residual = two_people(strengths=(0.4, 0.8))
    negative = residual(SITE, row_call(case, 1, polarity=Polarity.NEGATIVE))
    _, equal = two_people(strengths=(0.6, 0.6))
    assert_close(negative, equal(SITE, row_call(case, 1, polarity=Polarity.NEGATIVE)))
    alone = IdentityResidual(
        attention=residual.attention,
        tokens=residual.null_tokens,
        null_tokens=residual.null_tokens,
        people=(Acting(name="null", strength=0.6),),
        placement=Everywhere(1),
    )
    assert_close(negative, alone(SITE, row_call(case, 1)))


def test_closed_windows_are_silent_and_the_mean_counts_open_ones_only():
    early, late = SigmaWindow(10, 5), SigmaWindow(4, 0)
    case, residual = two_people(strengths=(0.4, 0.8), windows=(early, late))
    assert residual(SITE, row_call(case, 1, sigma=4.5)) is None
    call = row_call(case, 1, polarity=Polarity.NEGATIVE, sigma=7.0)
    _, equal = two_people(strengths=(0.4, 0.4))
    assert_close(residual(SITE, call), equal(SITE, call))


def test_a_person_whose_window_is_closed_keeps_the_place():
    window = SigmaWindow(10, 5)
    case, residual = two_people(windows=(window, ALWAYS))
    call = row_call(case, 1, sigma=1.0)
    weights = residual.placement(SITE, call)
    added = residual(SITE, call)
    assert torch.equal(added[0][weights[0, :, 0] == 1], torch.zeros_like(added[0][weights[0, :, 0] == 1]))
    assert (added[0][weights[0, :, 1] == 1].abs().sum(-1) > 0).all()


def test_keys_and_values_are_projected_once_per_run():
    case, residual = two_people()
    run = Run()
    first = residual(SITE, row_call(case, 1, run=run))
    kept = dict(run.memo)
    with torch.no_grad():
        for layer in residual.attention.values():
            layer.to_k.weight.mul_(2)
    assert torch.equal(residual(SITE, row_call(case, 1, run=run)), first)
    assert run.memo.keys() == kept.keys()
    assert not torch.equal(residual(SITE, row_call(case, 1)), first)


def test_a_router_that_chooses_less_often_keeps_its_choice_also_in_guided_passes():
    """These have a memo of their own and share what is known of the picture."""
    case, residual = two_people()
    rare = replace(residual.placement, every=2)
    run, guided = Run(), Run()
    guided.found = run.found
    others = torch.randn(case.hidden[:1].shape, generator=torch.Generator().manual_seed(0))

    def at(sigma, hidden, run, placement=rare):
        return placement.standing(SITE, replace(row_call(case, 1, run=run, sigma=sigma), hidden=hidden)).choice

    first = at(9.0, case.hidden[1:2], run)
    new = at(9.0, others, Run(), residual.placement)
    assert not torch.equal(first, new)
    assert torch.equal(at(8.0, others, run), first)
    assert torch.equal(at(8.0, others, guided), first)
    assert torch.equal(at(7.0, others, run), new)
    assert torch.equal(at(9.0, others, Run()), new)  # another run has its own


def test_a_mask_for_one_person_leaves_the_rest_to_the_router():
    case, residual = two_people()
    mask = torch.zeros(1, 8, 8)
    mask[:, :, :4] = 1
    placement = combine((mask, None), Routed(residual.placement.routers, residual.tokens[1:]))
    weights = placement(SITE, row_call(case, 1)).view(8, 8, 2)
    assert torch.equal(weights[:, :4, 0], torch.ones(8, 4))
    assert torch.equal(weights[:, 4:, 1], torch.ones(8, 4))
    assert_close(weights.sum(-1), torch.ones(8, 8))


@pytest.fixture
def adapter(faceid_file, router_file):
    return load(faceid_file, router_file, dim_head=8)


def tokens(n):
    return torch.randn(n, SIZES.tokens, SIZES.output, generator=torch.Generator().manual_seed(n))


@pytest.fixture
def residual(adapter):
    def build(*people, **settings):
        encoded = EncodedPeople(tokens=tokens(len(people)), null_tokens=tokens(1))
        return people_residual(
            adapter.face_attention, people, encoded, Everywhere(len(people)), **{"strength": STRENGTH, **settings}
        )

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
        ((None, None), "router", Routed),
        ((LEFT, 1 - LEFT), "router", Masks),
        ((None, LEFT, None), "router", MasksFirst),
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


def test_a_router_of_another_type_is_copied_without_what_its_layers_were_given(adapter):
    """A host gives layers another forward while it takes a gradient."""
    site = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=WIDTHS[1], path="")
    hidden = torch.randn(1, 16, WIDTHS[1], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    call = AttentionCall(
        hidden=hidden, query=hidden, base=None, heads=1, grid=(4, 4), polarity=Polarity.POSITIVE, samples=(0,), sigma=1.0,
        crop=None, run=Run(),
    )  # fmt: skip
    placement = Routed(adapter.routers, tokens(2))
    expected = placement(site, call)
    layer = adapter.routers["1"].to_q_router[0]
    layer.forward = lambda x: pytest.fail("the copied layer ran as the host's")
    try:
        call.run.memo.clear()
        assert torch.equal(placement(site, call), expected)
    finally:
        del layer.forward
