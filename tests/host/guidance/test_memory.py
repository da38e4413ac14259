"""The memory that a graph takes: the estimate, what is asked for, and when parts are computed twice."""

from __future__ import annotations

import pytest
import torch
from likeness.models.port.attention import Run

pytestmark = pytest.mark.comfy


def unet_of(tiny_model, kind="sd15"):
    return tiny_model(kind).model.diffusion_model


def bytes_of(unet, size=(16, 16), rows=1, itemsize=4, block=5, *, is_saving=False):
    from likeness.host.guidance.memory import graph_bytes

    return graph_bytes(unet, size, rows, itemsize, block, is_saving=is_saving)


@pytest.mark.parametrize("is_saving", [False, True])
def test_the_estimate_bounds_what_a_graph_holds(tiny_model, is_saving):
    """Against every tensor that autograd saves on the way to the block."""
    from likeness.host.guidance.gradients import differentiable
    from likeness.host.unet.feature_capture import CapturedFeatures

    model = tiny_model()
    unet, held = model.model.diffusion_model, {}

    def hold(tensor):
        held[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    parameters = {parameter.untyped_storage().data_ptr() for parameter in unet.parameters()}
    captured = CapturedFeatures((5,))
    options = captured.options(model.model_options["transformer_options"])
    with differentiable(unet, is_saving=is_saving), torch.autograd.graph.saved_tensors_hooks(hold, lambda x: x):
        x = torch.randn(1, 4, 32, 32, requires_grad=True)
        unet(x, torch.tensor([500.0]), torch.randn(1, 7, 24), transformer_options=options)
    size = sum(tensor.untyped_storage().nbytes() for key, tensor in held.items() if key not in parameters)
    estimate = bytes_of(unet, (32, 32), is_saving=is_saving)
    assert size / 3 < estimate
    assert estimate < 3 * size


def test_it_grows_with_picture_rows_type_and_block_and_shrinks_by_saving(tiny_model):
    unet = unet_of(tiny_model)
    one = bytes_of(unet)
    assert bytes_of(unet, rows=3) == pytest.approx(3 * one, abs=2)
    assert bytes_of(unet, itemsize=2) == pytest.approx(one / 2, abs=2)
    assert bytes_of(unet, (32, 32)) == pytest.approx(4 * one, abs=2)
    assert bytes_of(unet, block=8) > one > bytes_of(unet, block=2)
    assert bytes_of(unet, is_saving=True) < 0.7 * one


def test_more_memory_is_asked_for_before_a_run_and_the_rest_is_handed_on(tiny_model):
    from likeness.host.guidance.memory import ask_for_more

    asked = []
    model = tiny_model()

    def prepare(model, noise_shape, *args, **kwargs):
        asked.append((noise_shape, args, kwargs))
        return "prepared"

    assert ask_for_more(prepare, model, torch.Size([2, 4, 64, 64]), "conds", options=1) == "prepared"
    [(shape, args, kwargs)] = asked
    assert shape[0] > 2
    assert shape[1:] == [4, 64, 64]
    assert (args, kwargs) == (("conds",), {"options": 1})
    graph = bytes_of(model.model.diffusion_model, (64, 64), 2, 4, 11, is_saving=True)
    assert (shape[0] - 2) * model.model.memory_required([2, 4, 64, 64]) >= graph


@pytest.mark.parametrize(("free", "expected"), [(10**15, False), (1, True)])
def test_parts_are_computed_twice_where_little_is_free_asked_once_in_a_run(tiny_model, monkeypatch, free, expected):
    from comfy import model_management
    from likeness.host.guidance.memory import is_short

    asked = []
    monkeypatch.setattr(model_management, "get_free_memory", lambda device: asked.append(device) or free)
    run, x = Run(), torch.zeros(1, 4, 16, 16)
    model = tiny_model().model
    assert [is_short(model, x, 5, run) for _ in range(3)] == [expected] * 3
    assert len(asked) == 1
    is_short(model, torch.zeros(2, 4, 16, 16), 5, run)
    assert len(asked) == 2


def test_weights_that_would_give_way_count_as_free(tiny_model, monkeypatch):
    """Under 0.33.0's dynamic loading they fill the card, and the patcher of the MODEL knows how many."""
    from comfy import model_management
    from likeness.host.guidance.memory import is_short

    patcher = tiny_model()
    monkeypatch.setattr(model_management, "get_free_memory", lambda device: 1)
    monkeypatch.setattr(patcher, "get_free_memory", lambda device: 10**15, raising=False)
    monkeypatch.setattr(patcher.model, "current_patcher", patcher)
    assert not is_short(patcher.model, torch.zeros(1, 4, 16, 16), 5, Run())
