"""Networks under ComfyUI's memory management."""

from __future__ import annotations

import pytest
import torch
from likeness.tests.host.small_card import CARD, GB, SCALE, devices, loaded_patchers, small_card
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


MB = 1024**2
ROOM = 1.2 * GB  # that ComfyUI keeps free for what a network computes


class Latents(nn.Module):
    """A network of `size` bytes, with weights of its own beside those of its four layers."""

    def __init__(self, size):
        super().__init__()
        width = size // SCALE // 4 // 8 // 4 - 1
        self.latents = nn.Parameter(torch.ones(1, 8))
        self.layers = nn.ModuleList(nn.Linear(8, width, bias=False) for _ in range(4))
        self.register_buffer("mean", torch.zeros(8))

    def forward(self, x):
        return sum(layer(x.to(self.latents) * self.latents - self.mean) for layer in self.layers)


def managed(size):
    from likeness.host.memory import manage

    return manage(Latents(size))


@pytest.mark.parametrize("state", ["NORMAL_VRAM", "LOW_VRAM", "NO_VRAM"])
@pytest.mark.parametrize("free", [0.01, 0.2, 0.35, 0.5, 4])
def test_a_network_is_loaded_whole_or_runs_on_the_cpu(free, state):
    """0.3.64 takes 128 MB of weights for granted."""
    from likeness.host.memory import loaded

    with small_card(int(ROOM + free * GB), state) as card:
        patcher, places = managed(400 * MB), set()
        for _ in range(2):
            with loaded(patcher) as network:
                assert network(torch.ones(1, 8)).isfinite().all()
                places = devices(network)
            assert len(places) == 1
            assert patcher.loaded_size() == (0 if "cpu" in places else patcher.model_size())
            assert card.used == patcher.loaded_size()
        assert ("lazy" in places) == (free >= 0.5 and state != "NO_VRAM")


def test_half_a_network_is_never_taken_away():
    from comfy import model_management
    from likeness.host.memory import loaded

    with small_card(4 * GB) as card:
        patcher = managed(400 * MB)
        with loaded(patcher):
            pass
        assert card.used
        model_management.free_memory(3.9 * GB, CARD)
        assert devices(patcher.model) == {"cpu"}
        assert not list(loaded_patchers())


def test_what_is_in_use_stays_while_more_is_loaded():
    from likeness.host.memory import loaded

    with small_card(int(ROOM + 0.7 * GB)):
        first, second = managed(400 * MB), managed(400 * MB)
        with loaded(first):
            with loaded(second):
                assert devices(first.model) == {"lazy"}
                assert devices(second.model) == {"cpu"}
            assert devices(first.model) == {"lazy"}
        with loaded(second):
            assert devices(second.model) == {"lazy"}
            assert devices(first.model) == {"cpu"}


def test_a_small_network_that_comfyui_runs_is_always_loaded():
    from comfy import model_management
    from likeness.host.memory import SmallPatcher

    with small_card(int(ROOM), "NO_VRAM"):
        patcher = SmallPatcher(Latents(200 * MB), load_device=CARD, offload_device=torch.device("cpu"))
        model_management.load_models_gpu([patcher])
        assert devices(patcher.model) == {"lazy"}
