"""Networks under ComfyUI's memory management."""

from __future__ import annotations

import pytest
import torch
from torch import nn

pytestmark = pytest.mark.comfy


@pytest.fixture
def patcher():
    from likeness.host.memory import manage

    return manage(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).train())


def test_a_managed_network_draws_nothing_by_chance_and_learns_nothing(patcher):
    network = patcher.model
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    ones = torch.ones(1, 2)
    assert torch.equal(network(ones), network(ones))


def test_a_loaded_network_is_on_its_device_and_makes_no_graph(patcher):
    from likeness.host.memory import loaded

    x = torch.ones(1, 2, requires_grad=True)
    with loaded(patcher) as network:
        assert network is patcher.model
        assert next(network.parameters()).device == patcher.load_device
        assert not network(x.to(patcher.load_device)).requires_grad
    assert (x * 1).requires_grad, "what comes after is as before"


def test_comfyui_knows_what_is_loaded(patcher):
    from comfy import model_management
    from likeness.host.memory import loaded

    with loaded(patcher):
        assert any(each.model is patcher for each in model_management.current_loaded_models)


def test_a_stopped_run_loads_nothing_more(patcher):
    from comfy import model_management
    from likeness.host.memory import loaded

    model_management.interrupt_current_processing(True)
    with pytest.raises(model_management.InterruptProcessingException), loaded(patcher):
        pytest.fail("it went on")
    assert not any(each.model is patcher for each in model_management.current_loaded_models)


@pytest.mark.parametrize(("device", "dtype"), [("cpu", torch.float32), ("cuda", torch.float16)])
def test_weights_are_halves_except_on_the_cpu(monkeypatch, device, dtype):
    from comfy import model_management
    from likeness.host.memory import attention_dtype

    monkeypatch.setattr(model_management, "get_torch_device", lambda: torch.device(device))
    assert attention_dtype() is dtype
