"""MODELs of random weights, and people in them who take part at every layer."""

from __future__ import annotations

import pytest
import torch

SIDE, SITES = 64, 16
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model():
    from likeness.benchmarks.random_models import SMALL_SD15, config_of_layers, new_model

    with torch.inference_mode():
        return new_model(config_of_layers(SMALL_SD15), torch.float32, CPU)


@pytest.mark.comfy
def test_a_full_size_configuration_is_comfyui_s_own():
    from comfy import supported_models
    from likeness.benchmarks.random_models import config_of
    from likeness.tools.weights.layouts import SD15, SDXL

    assert type(config_of(SD15)) is supported_models.SD15
    assert type(config_of(SDXL)) is supported_models.SDXL


@pytest.mark.comfy
def test_weights_are_random_and_the_same_every_time(model):
    from likeness.benchmarks.random_models import SMALL_SD15, config_of_layers, new_model

    again, half = (new_model(config_of_layers(SMALL_SD15), dtype, CPU) for dtype in (torch.float32, torch.bfloat16))
    mine, others = (list(each.model.diffusion_model.parameters()) for each in (model, again))
    assert {weight.dtype for weight in half.model.diffusion_model.parameters()} == {torch.bfloat16}
    for weight, other in zip(mine, others, strict=True):
        assert torch.equal(weight, other)
        assert weight.std() > 0 or weight.numel() == 1
        assert torch.isfinite(weight).all()


@pytest.mark.comfy
@pytest.mark.parametrize("placed", ["everywhere", "router", "hard", "soft"])
def test_people_take_part_at_every_layer(model, placed):
    from likeness.benchmarks.comfy_process import unet_call
    from likeness.benchmarks.operations import count_operations
    from likeness.benchmarks.random_models import people

    count = 1 if placed == "everywhere" else 2
    with torch.inference_mode():
        put = people(model, count, placed, 4)
        plain, found = (count_operations(unet_call(each, SIDE)) for each in (model, put))
        assert not torch.equal(unet_call(model, SIDE)(), unet_call(put, SIDE)())
    more = found - plain
    assert more["softmax" if placed == "soft" else "scaled_dot_product_attention"] >= SITES
    assert (more["argmax"] == SITES) == (placed == "router")
    assert (more["upsample_bilinear2d"] > 0) == (placed in ("hard", "soft"))
    parts = [part.model for part in put.get_nested_additional_models()]
    assert len(parts) == (2 if placed == "router" else 1)  # keys and values, and the routers
    assert all(set(part) == {str(index) for index in range(1, 2 * SITES, 2)} for part in parts)
