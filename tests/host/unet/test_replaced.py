"""Weights in place of a UNet's own."""

import pytest
import torch
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.errors import IncompatibleBaseModelError
from likeness.tests.host.conftest import CONTEXT
from torch import nn

pytestmark = pytest.mark.comfy


def projections(sites, width=CONTEXT):
    torch.manual_seed(0)
    return nn.ModuleDict({str(site.index): KeyValueProjection(width, site.channels) for site in sites}).requires_grad_(
        False
    )


def test_keys_and_values_are_those_that_were_given_and_come_off_again(tiny_model, cross_sites):
    from likeness.host.unet.replaced import replace_keys_and_values

    model = tiny_model()
    before = {key: tensor.clone() for key, tensor in model.model.state_dict().items()}
    clone, sites = model.clone(), cross_sites(model)
    attention = projections(sites)
    replace_keys_and_values(clone, attention)
    clone.patch_model()
    for site in sites:
        layer = model.model.diffusion_model.get_submodule(site.path)
        assert torch.equal(layer.to_k.weight, attention[str(site.index)].to_k.weight)
        assert torch.equal(layer.to_v.weight, attention[str(site.index)].to_v.weight)
    clone.unpatch_model()
    assert all(torch.equal(before[key], tensor) for key, tensor in model.model.state_dict().items())


def test_layers_of_another_width_are_refused(tiny_model, cross_sites):
    from likeness.host.unet.replaced import replace_keys_and_values

    model = tiny_model()
    with pytest.raises(IncompatibleBaseModelError, match="this model has"):
        replace_keys_and_values(model.clone(), projections(cross_sites(model), CONTEXT + 1))
    with pytest.raises(IncompatibleBaseModelError, match="no such weight"):
        replace_keys_and_values(model.clone(), nn.ModuleDict({"999": KeyValueProjection(CONTEXT, 32)}))


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_a_unet_that_does_not_fit_is_refused(tiny_model, change):
    from comfy.utils import unet_to_diffusers
    from likeness.host.unet.replaced import replace_unet

    model = tiny_model()
    own = model.model.diffusion_model.state_dict()
    names = unet_to_diffusers(model.model.model_config.unet_config)
    weights = {name: own[key] for name, key in names.items() if key in own}
    replace_unet(model.clone(), weights)
    if change == "missing":
        weights.pop("conv_in.weight")
    elif change == "unknown":
        weights["other.weight"] = torch.zeros(1)
    else:
        weights["conv_in.weight"] = torch.zeros(1)
    with pytest.raises(IncompatibleBaseModelError):
        replace_unet(model.clone(), weights)
