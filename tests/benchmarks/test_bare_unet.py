"""A UNet that is left with its cross-attention: what an adapter adds to the work stays, the rest goes for a time."""

from __future__ import annotations

import pytest
import torch
from likeness.benchmarks.bare_unet import Nothing, Repeated

SIDE = 64


def test_what_stands_for_a_layer_gives_its_shapes():
    hidden = torch.arange(12.0).reshape(1, 3, 2, 2)
    assert Repeated(7)(hidden).shape == (1, 7, 2, 2)
    assert torch.equal(Repeated(7)(hidden)[:, 6], hidden[:, 0])
    assert torch.equal(Repeated(2)(hidden), hidden[:, :2])
    assert torch.equal(Nothing()(hidden, context=None), torch.zeros_like(hidden))


@pytest.mark.comfy
def test_an_adapter_adds_the_same_work_to_it_as_to_the_whole_network():
    from likeness.benchmarks.bare_unet import cross_attention_alone
    from likeness.benchmarks.comfy_process import flops, unet_call
    from likeness.benchmarks.consistentid_overhead import residual
    from likeness.host.unet.attention import inject
    from likeness.tools.peers.narrow import narrow_model

    with torch.inference_mode():
        plain = narrow_model()
        people = inject(plain, [residual(plain, 1, SIDE)], name="test")
        calls = [unet_call(model, SIDE) for model in (plain, people)]
        before = calls[0]()
        whole, more = map(flops, calls)
        with cross_attention_alone(plain.model.diffusion_model):
            bare, bare_more = map(flops, calls)
            assert not torch.equal(calls[0](), before)
        assert bare < whole / 2
        assert bare_more - bare == more - whole > 0
        assert torch.equal(calls[0](), before)


@pytest.mark.comfy
def test_transformers_are_left_as_they_are():
    """On a narrow network, whose convolutions are a small part; the work of a transformer alone is larger than its cross-attention."""
    from comfy.ldm.modules.attention import SpatialTransformer
    from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
    from likeness.benchmarks.bare_unet import cross_attention_alone, transformers_alone
    from likeness.benchmarks.comfy_process import flops, unet_call
    from likeness.tools.peers.narrow import narrow_model

    def parts(network, kind):
        return [part for module in network.modules() if isinstance(module, kind) for part in module.modules()]

    with torch.inference_mode():
        model = narrow_model()
        network, call = model.model.diffusion_model, unet_call(model, SIDE)
        transformers, whole = parts(network, SpatialTransformer), flops(call)
        with transformers_alone(network):
            assert parts(network, SpatialTransformer) == transformers
            assert not parts(network, ResBlock)
            alone = flops(call)
        with cross_attention_alone(network):
            bare = flops(call)
    assert bare < alone < whole
    assert parts(network, ResBlock)


@pytest.mark.comfy
def test_the_network_is_whole_again_after_a_mistake():
    from likeness.benchmarks.bare_unet import cross_attention_alone
    from likeness.tools.peers.narrow import narrow_model

    network = narrow_model().model.diffusion_model
    before = list(network.modules())
    with pytest.raises(ValueError, match="stop"), cross_attention_alone(network):
        raise ValueError("stop")
    assert all(one is other for one, other in zip(network.modules(), before, strict=True))
