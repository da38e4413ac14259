"""The network inside compiled code, which one clone's run leaves in the network that all clones share."""

from __future__ import annotations

import pytest
import torch
from likeness.tests.host.bases import BASES, rounded
from likeness.tests.host.omniportrait.small_guidance import apply, by_words
from likeness.tests.host.omniportrait.small_guidance import people as in_photos

pytestmark = pytest.mark.comfy


class Shell(torch.nn.Module):
    """What torch.compile gives: a module around a network that hands its attributes on."""

    def __init__(self, network):
        super().__init__()
        self._orig_mod = network
        self.calls = []

    def forward(self, *args, **kwargs):
        self.calls.append(1)
        return self._orig_mod(*args, **kwargs)

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self._modules["_orig_mod"], name)


def as_patch(model):
    """A clone of a MODEL that is compiled by an object patch, and what is put in the network's place."""
    clone = model.clone()
    shell = Shell(clone.get_model_object("diffusion_model"))
    clone.add_object_patch("diffusion_model", shell)
    return clone, shell


def as_wrapper(model):
    """The same as ComfyUI's own node does it; torch runs the compiled code as it is."""
    from comfy_api.torch_helpers import set_torch_compile_wrapper

    clone, calls = model.clone(), []

    def backend(graph, examples):
        return lambda *args: calls.append(1) or graph.forward(*args)

    set_torch_compile_wrapper(clone, backend=backend)
    return clone, calls


def test_after_a_compiled_run_everything_is_applied_as_before_it(loaded_model, people, drawn):
    """The clones share one network, and a widget that changes makes Apply run again."""
    from likeness.host.unet.attention import inject
    from likeness.host.unet.sites import find_sites, unet_of

    def applied():
        with torch.inference_mode():
            return inject(loaded_model, [people(loaded_model)], name="people")

    unet, plain = unet_of(loaded_model), drawn(applied())
    compiled, shell = as_patch(applied())
    assert torch.equal(drawn(compiled, steps=2), plain)
    assert shell.calls
    assert loaded_model.model.diffusion_model is shell  # ComfyUI leaves it there
    assert unet_of(loaded_model) is unet_of(compiled) is unet
    assert len(find_sites(unet_of(loaded_model))) == 32
    assert torch.equal(drawn(applied()), plain)


def test_a_lora_reaches_its_weights_after_a_compiled_run(loaded_model, drawn):
    from likeness.host.unet.lora import add_lora

    generator = torch.Generator().manual_seed(2)
    lora = {3: {"q": (torch.randn(2, 32, generator=generator), torch.randn(32, 2, generator=generator))}}

    def changed():
        clone = loaded_model.clone()
        add_lora(clone, lora, 1.0)
        return clone

    plain, expected = drawn(loaded_model), drawn(changed())
    drawn(as_patch(loaded_model)[0], steps=1)
    assert torch.equal(drawn(changed()), expected)
    assert not torch.equal(expected, plain)


@pytest.mark.parametrize("is_first", [True, False])
def test_guidance_by_words_runs_the_network_itself(loaded_model, conditioning, drawn, is_first):
    """Reading, finding people and gradients are those of the plain MODEL; everything else runs compiled."""

    def guided(model):
        return apply(model, in_photos(None), by_words()).model

    settings = {"positive": conditioning(10, **{"likeness.named rows": ((0, 2),)}), "steps": 2}
    expected = drawn(guided(loaded_model), **settings)
    if is_first:
        compiled, shell = as_patch(loaded_model)
        found = drawn(guided(compiled), **settings)
    else:
        compiled, shell = as_patch(guided(loaded_model))
        found = drawn(compiled, **settings)
    assert torch.equal(found, expected)
    assert len(shell.calls) == 2  # the negative side
    assert torch.equal(drawn(guided(loaded_model), **settings), expected)  # after the compiled run
    assert not [name for name, layer in loaded_model.model.named_modules() if "forward" in vars(layer)]


@pytest.mark.parametrize("is_first", [True, pytest.param(False, marks=pytest.mark.long)])
def test_comfyuis_own_compiling_node_leaves_guidance_as_it_is(loaded_model, conditioning, drawn, is_first):
    def guided(model):
        return apply(model, in_photos(None), by_words()).model

    settings = {"positive": conditioning(10, **{"likeness.named rows": ((0, 2),)}), "steps": 1}
    expected = drawn(guided(loaded_model), **settings)
    compiled, calls = as_wrapper(loaded_model if is_first else guided(loaded_model))
    found = drawn(guided(compiled) if is_first else compiled, **settings)
    assert calls
    calls.clear()
    drawn(guided(compiled) if is_first else compiled, **{**settings, "cfg": 1.0})
    assert not calls  # the positive side alone, with a graph
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("fp16", torch.float16),
        ("e4m3 as fp32", torch.float32),
        ("e5m2 as bf16", torch.bfloat16),
        ("gguf as fp16", torch.float16),
    ],
)
def test_the_type_is_that_of_hidden_states_whatever_weights_are_kept_in(tiny_model, name, dtype):
    from likeness.host.unet.network import type_of

    model, _ = rounded(tiny_model(), BASES[name])
    assert type_of(model.model) is dtype


def test_the_shape_is_that_which_a_layer_multiplies_with(tiny_model):
    from likeness.host.unet.network import shape_of
    from likeness.host.unet.sites import find_sites, unet_of

    base, full = rounded(tiny_model(), BASES["gguf as fp16"])
    packed, plain = unet_of(base), unet_of(full)
    shapes = {key: tuple(tensor.shape) for key, tensor in plain.state_dict().items()}
    assert {key: shape_of(packed, key) for key in shapes} == shapes
    site = find_sites(packed)[0]
    for missing in ("None.to_q.weight", f"{site.path}.to_q.other", f"{site.path}.to_q.bias", "other", "out"):
        assert shape_of(packed, missing) is None


def test_a_packed_weight_may_tell_another_shape():
    """As those of other packs do, which only their layer understands."""
    from likeness.host.unet.network import shape_of

    layer = torch.nn.Linear(6, 4)
    layer.weight = torch.nn.Parameter(torch.zeros(12, 1, dtype=torch.uint8), requires_grad=False)
    assert shape_of(torch.nn.Sequential(layer), "0.weight") == (4, 6)
