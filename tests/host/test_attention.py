"""Residuals in ComfyUI's UNet: every site fires, the model stays untouched, sums hold with other packs."""

import copy

import pytest
import torch

pytestmark = pytest.mark.comfy


def attach(model, *residuals):
    from likeness.host.attention import inject

    return inject(model, residuals, name="test")


@pytest.mark.parametrize(("kind", "count"), [("sd15", 16), ("sdxl", 70)])
def test_all_sites_are_found_in_the_adapters_order(tiny_model, cross_sites, kind, count):
    sites = cross_sites(tiny_model(kind))
    assert len(sites) == count
    assert [site.index for site in sites] == list(range(1, 2 * count, 2))
    assert sites[0].block[0] == "input"
    assert sites[-1].block[0] == "middle"


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_every_site_fires_and_the_input_model_is_untouched(tiny_model, people, sample, kind, caplog):
    model = tiny_model(kind)
    before = sample(model)
    options = copy.deepcopy(model.model_options)
    patched = attach(model, people(model))
    with caplog.at_level("INFO"):
        after = sample(patched)
    count = 16 if kind == "sd15" else 70
    assert f"{count}/{count} sites active" in caplog.text
    assert not torch.equal(before, after)
    assert torch.equal(sample(model), before)
    assert model.model_options == options
    assert model.wrappers == tiny_model(kind).wrappers
