"""The residual against the published code's numbers, and the rules that the published code leaves open."""

import pytest
import torch
from likeness.models.adapters.identity_attention import IdentityResidual, Person
from likeness.models.placement.placements import Everywhere, combine
from likeness.models.placement.windows import ALWAYS, SigmaWindow
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.models.uniportrait.adapter import ImagePromptResidual, Routed
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.uniportrait.cases import HERE, cross_attention_case, cross_attention_variants
from torch.testing import assert_close

CASES = Folder(HERE)
SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=64, path="")


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


def identity_residual(case, row, strength, shared):
    tokens = case.identity_tokens[row]
    masks = (None,) * len(tokens) if case.faceid_mask is None else tuple(case.faceid_mask[:, None])
    placement = combine(masks, Routed(case.adapter.routers, tokens))
    people = tuple(Person(name=str(place), strength=strength) for place in range(len(tokens)))
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
        attended = attended + identity_residual(case, row, case.settings["faceid_scale"], shared)(SITE, call)
    if case.settings.get("ip_scale", 0) > 0:
        mask = case.ip_mask
        if shared:
            mask = torch.ones(len(call.samples), 8, 8) * float(sample != 0)
        branch = ImagePromptResidual(
            attention=case.adapter.image_prompt.attention,
            tokens=case.image_tokens[row : row + 1],
            null_tokens=case.image_tokens[row : row + 1],
            strength=case.settings["ip_scale"],
            mask=mask,
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
        Person(name=name, strength=strength, window=window)
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
        people=(Person(name="null", strength=0.6),),
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


def test_a_mask_for_one_person_leaves_the_rest_to_the_router():
    case, residual = two_people()
    mask = torch.zeros(1, 8, 8)
    mask[:, :, :4] = 1
    placement = combine((mask, None), Routed(residual.placement.routers, residual.tokens[1:]))
    weights = placement(SITE, row_call(case, 1)).view(8, 8, 2)
    assert torch.equal(weights[:, :4, 0], torch.ones(8, 4))
    assert torch.equal(weights[:, 4:, 1], torch.ones(8, 4))
    assert_close(weights.sum(-1), torch.ones(8, 8))
