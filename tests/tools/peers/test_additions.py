"""What is read off a UNet's layers, and when two packs count as adding the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from likeness.tools.peers import narrow
from likeness.tools.peers.additions import SETTINGS, SITES, added, compare

LATENT = torch.tensor([4.0, -8.0])


def additions(*, sites=range(SITES), calls=2, value=2.0):
    return {site: [torch.full((2, 3, 4), value)] * calls for site in sites}, LATENT


def test_what_is_the_same_differs_in_nothing():
    found = compare(additions(), additions())
    assert (found.sites, found.same, found.apart, found.latent, found.failed) == (SITES, True, 0, 0, False)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (additions(sites=range(SITES - 1)), additions()),
        (additions(), additions(sites=range(SITES - 1))),
        (additions(sites=range(SITES + 1)), additions()),
        (additions(calls=1), additions()),
        (({}, LATENT), ({}, LATENT)),
    ],
)
def test_both_must_act_at_the_same_fifteen_sites_as_often(ours, theirs):
    assert compare(ours, theirs).failed


@pytest.mark.parametrize(("least", "failed"), [(1.0001, False), (1.0003, True)])
def test_the_site_that_differs_most_is_held_to_its_own_largest_value(least, failed):
    ours, _ = additions(sites=range(1, SITES))
    ours[0] = [torch.full((2, 3, 4), 1.0), torch.full((2, 3, 4), 1.0) * torch.tensor([1, least, 1, 1])]
    theirs, _ = additions(sites=range(1, SITES))
    theirs[0] = [torch.ones(2, 3, 4), torch.tensor([1.0, 1.0, 2.0, 1.0]).expand(2, 3, 4)]
    ours[0][1][..., 2] = 2
    found = compare((ours, LATENT), (theirs, LATENT))
    assert found.apart == pytest.approx((least - 1) / 2, rel=1e-2)
    assert found.failed == failed


def test_latents_that_differ_are_a_failure():
    ours, _ = additions()
    found = compare((ours, LATENT + 0.8), additions())
    assert found.latent == pytest.approx(0.1)
    assert found.failed
    assert str(found) == "0.0e+00 apart at 15 sites (shares of each site's largest addition), latents 1.0e-01"


def test_every_kind_has_a_setting():
    assert {name.partition(",")[0] for name in SETTINGS} == {"FaceID PlusV2", "FaceID Plus", "Plus"}
    files = {name.partition(",")[0]: setting.file for name, setting in SETTINGS.items()}
    assert files["FaceID Plus"] == replace(files["FaceID PlusV2"], name=files["FaceID Plus"].name)
    assert "plusv2" not in files["FaceID Plus"].name


@dataclass(frozen=True, eq=False)
class Constant:
    """Adds a number at some sites."""

    value: float
    indices: tuple[int, ...]

    def wants(self, site) -> bool:
        return site.index in self.indices

    def __call__(self, site, call):
        return torch.full_like(call.query, self.value)


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    with torch.inference_mode():
        yield narrow.narrow_model()


def sizes():
    return {"side": narrow.SIDE, "context": narrow.CONTEXT}


@pytest.mark.comfy
def test_what_a_residual_adds_is_found_at_its_layers_and_nowhere_else(model):
    from likeness.host.unet.attention import inject

    with torch.inference_mode():
        found, latent = added(inject(model, [Constant(0.25, (1, 139))], name="test"), **sizes())
        plain, plain_latent = added(model, **sizes())
    assert not plain
    assert found.keys() == {1, 139}
    for calls in found.values():
        assert len(calls) == 2
        assert all((call - 0.25).abs().max() < 1e-5 for call in calls)
    assert (latent - plain_latent).abs().max() > 1e-3


@pytest.mark.comfy
def test_the_network_is_left_as_it_was(model):
    with torch.inference_mode():
        added(model, **sizes())
    assert not [module for module in model.model.diffusion_model.modules() if module._forward_hooks]
    assert not [module for module in model.model.diffusion_model.modules() if module._forward_pre_hooks]
