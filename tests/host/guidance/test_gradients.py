"""Gradients of a UNet's input where ComfyUI forbids them: in inference mode, in every number type, and nothing left behind."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError
from likeness.tests.host.bases import BASES, is_known, rounded

pytestmark = pytest.mark.comfy

CONTEXT = 24


@pytest.fixture(scope="module")
def given():
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(1, 4, 16, 16, generator=generator),
        torch.tensor([400.0]),
        torch.randn(1, 7, CONTEXT, generator=generator),
        torch.randn(1, 4, 16, 16, generator=generator),
    )


@pytest.fixture
def in_inference_mode(tiny_model):
    """A builder of UNets as ComfyUI's loader makes them: every weight is an inference tensor."""

    def build(kind="sd15", dtype=torch.float32):
        with torch.inference_mode():
            unet = tiny_model(kind).model.diffusion_model
            return unet.to(dtype)

    return build


def gradient(unet, given):
    """Of a weighted sum of what the UNet says, in its input; and what it says."""
    x, time, context, weights = given
    dtype = next(unet.parameters()).dtype
    x = x.to(dtype).clone().requires_grad_(True)
    said = unet(x, time.clone(), context=context.to(dtype).clone())
    [found] = torch.autograd.grad((said.float() * weights).sum(), x)
    return found, said.detach()


def state_of(unet):
    return {name: (tensor.data_ptr(), tensor.is_inference()) for name, tensor in unet.named_parameters()}


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_the_gradient_is_that_of_ordinary_weights(kind, in_inference_mode, tiny_model, given):
    from likeness.host.guidance.gradients import differentiable

    expected, said = gradient(tiny_model(kind).model.diffusion_model, given)
    unet = in_inference_mode(kind)
    assert all(tensor.is_inference() for tensor in unet.parameters())
    with torch.inference_mode(), differentiable(unet):
        found, also = gradient(unet, given)
    assert torch.equal(also, said)
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(found, expected, atol=1e-6 * float(expected.abs().max()), rtol=1e-5)


def test_a_network_may_be_named_twice(in_inference_mode, given):
    from likeness.host.guidance.gradients import differentiable

    unet = in_inference_mode()
    with torch.inference_mode(), differentiable(unet):
        expected, _ = gradient(unet, given)
    with torch.inference_mode(), differentiable(unet, unet.middle_block, unet):
        found, _ = gradient(unet, given)
    assert torch.equal(found, expected)
    assert not any("forward" in vars(layer) for layer in unet.modules())


def test_without_it_comfyui_refuses(in_inference_mode, given):
    unet = in_inference_mode()
    refused = pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward")
    with refused, torch.inference_mode(), torch.inference_mode(False), torch.enable_grad():
        gradient(unet, given)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_about_the_same(dtype, in_inference_mode, given):
    from likeness.host.guidance.gradients import differentiable

    full, half = in_inference_mode(), in_inference_mode(dtype=dtype)
    with torch.inference_mode(), differentiable(full):
        expected, _ = gradient(full, given)
    with torch.inference_mode(), differentiable(half):
        found, _ = gradient(half, given)
    alike = torch.nn.functional.cosine_similarity(found.float().flatten(), expected.flatten(), dim=0)
    assert alike > 0.99


@pytest.mark.parametrize("storage", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
def test_weights_may_be_stored_in_another_type_and_changed_on_the_way(storage, in_inference_mode, given):
    """The casting path of every layer: fp8 files, offloaded weights, LoRA that are added in each call."""
    from likeness.host.guidance.gradients import differentiable

    def doubled(weight):
        return 2 * weight

    stored, plain = in_inference_mode(), in_inference_mode()
    with torch.inference_mode():
        for layer, other in zip(stored.modules(), plain.modules(), strict=True):
            if not hasattr(layer, "comfy_cast_weights") or layer.weight is None:
                continue
            layer.comfy_cast_weights = True
            is_doubled = isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
            if is_doubled:
                layer.weight_function = [doubled]
            for name, tensor in layer.named_parameters(recurse=False):
                tensor.data = tensor.data.to(storage)
                factor = 2 if is_doubled and name == "weight" else 1
                other.get_parameter(name).data = factor * tensor.data.float()
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(1, 4, 16, 16, generator=generator)
    x, time, context, _ = given
    with torch.inference_mode():
        with differentiable(plain):
            expected, said = gradient(plain, (x, time, context, weights))
        with differentiable(stored):
            leaf = x.clone().requires_grad_(True)
            also = stored(leaf, time.clone(), context=context.clone())
            [found] = torch.autograd.grad((also * weights).sum(), leaf)
    torch.testing.assert_close(also.detach(), said, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-4)


def test_no_parameter_is_touched_and_nothing_stays_behind(in_inference_mode, given):
    from likeness.host.guidance.gradients import differentiable

    unet = in_inference_mode()
    before = state_of(unet)
    with torch.inference_mode(), differentiable(unet):
        gradient(unet, given)
        assert state_of(unet) == before
    assert state_of(unet) == before
    assert not [name for name, layer in unet.named_modules() if "forward" in vars(layer)]
    with pytest.raises(ZeroDivisionError), torch.inference_mode(), differentiable(unet):
        raise ZeroDivisionError
    assert not [name for name, layer in unet.named_modules() if "forward" in vars(layer)]
    assert torch.is_inference_mode_enabled() is False


def test_layers_without_a_gradient_are_refused_by_name(in_inference_mode):
    from likeness.host.guidance.gradients import differentiable

    class Packed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.packed = torch.nn.Parameter(torch.zeros(4), requires_grad=False)

    unet = in_inference_mode()
    unet.out.add_module("last", Packed())
    with pytest.raises(IncompatibleBaseModelError, match=r"out\.last .* is a Packed"), differentiable(unet):
        pass
    assert not [name for name, layer in unet.named_modules() if "forward" in vars(layer)]


def slope(model, given):
    """The gradient of a weighted sum of what a MODEL says, in its latent."""
    from likeness.host.guidance.gradients import differentiable

    x, _, context, weights = given
    with torch.inference_mode(), differentiable(model.model.diffusion_model):
        leaf = x.clone().requires_grad_(True)
        said = model.model.apply_model(leaf, torch.tensor([3.0]), c_crossattn=context.clone(), transformer_options={})
        [found] = torch.autograd.grad((said * weights).sum(), leaf)
    return found


def is_alike(found, expected, most=0.999):
    return torch.nn.functional.cosine_similarity(found.float().flatten(), expected.flatten(), dim=0) > most


QUANTISED = ["e4m3 as fp16", "e5m2 as bf16", "scaled fp8 as fp16", "scaled fp8 as bf16", "int8 as bf16"]


@pytest.mark.parametrize("name", QUANTISED)
def test_quantised_bases_have_the_gradient_of_their_numbers(name, tiny_model, given):
    if not is_known(BASES[name]):
        pytest.skip("this ComfyUI has no int8")
    with torch.inference_mode():
        base, full = rounded(tiny_model(), BASES[name])
    found, expected = slope(base, given), slope(full, given)
    assert is_alike(found, expected)
    assert float(found.norm() / expected.norm()) == pytest.approx(1, abs=0.02)


def test_what_scales_the_input_of_a_quantised_layer_scales_its_gradient(tiny_model):
    from likeness.host.guidance.gradients import differentiable

    if not is_known(BASES["int8 as bf16"]):
        pytest.skip("this ComfyUI has no int8")
    with torch.inference_mode():
        both = rounded(tiny_model(), BASES["int8 as bf16"])
        path = "input_blocks.1.1.transformer_blocks.0.attn2.to_out.0"
        layer, twin = (each.model.diffusion_model.get_submodule(path) for each in both)
        smoothing = torch.linspace(-2, 2, layer.in_features)
        layer.pre_quant_scale = torch.nn.Parameter(smoothing, requires_grad=False)
        expected = (twin.weight * smoothing).sum(0)
    with torch.inference_mode(), differentiable(layer):
        x = torch.ones(1, 1, layer.in_features, dtype=torch.bfloat16).requires_grad_(True)
        [found] = torch.autograd.grad(layer(x).sum(), x)
    assert is_alike(found, expected)


def test_packed_bases_are_refused_in_one_sentence(tiny_model):
    from likeness.host.guidance.gradients import differentiable

    base, _ = rounded(tiny_model(), BASES["gguf as fp16"])
    with (
        pytest.raises(IncompatibleBaseModelError, match="no GGUF or TensorRT"),
        differentiable(base.model.diffusion_model),
    ):
        pass


def test_every_weight_that_is_brought_for_a_gradient_is_given_back(tiny_model, monkeypatch):
    """0.33.0 keeps the memory of a weight as long as nobody says that it was the last use."""
    import comfy.ops
    from likeness.host.guidance.gradients import differentiable

    if not hasattr(comfy.ops, "uncast_bias_weight"):
        pytest.skip("this ComfyUI keeps no memory for weights that it brings")
    unet, held = tiny_model().model.diffusion_model, []
    cast, give_back = comfy.ops.cast_bias_weight, comfy.ops.uncast_bias_weight

    def note(layer, *args, **kwargs):
        held.append(layer)
        return cast(layer, *args, **kwargs)

    def forget(layer, *args):
        held.remove(layer)
        give_back(layer, *args)

    monkeypatch.setattr(comfy.ops, "cast_bias_weight", note)
    monkeypatch.setattr(comfy.ops, "uncast_bias_weight", forget)
    with differentiable(unet):
        x = torch.randn(1, 4, 16, 16, requires_grad=True)
        output = unet(x, torch.tensor([500.0]), torch.randn(1, 7, 24), transformer_options={})
        torch.autograd.grad(output.sum(), x)
    assert held == []
    monkeypatch.setattr(comfy.ops, "uncast_bias_weight", lambda *_: None)
    with differentiable(unet):
        unet(x, torch.tensor([500.0]), torch.randn(1, 7, 24), transformer_options={})
    assert held, "it would be seen"
