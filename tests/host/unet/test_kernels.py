"""Whatever ComfyUI attends to the text with, people's tokens are attended to by torch's own kernel."""

from __future__ import annotations

import pytest
import torch
from likeness.models.placement.placements import Masks

pytestmark = pytest.mark.comfy

TEXT = 7
LEFT = torch.linspace(1, 0, 16).expand(1, 16, 16)
CASTS = {
    "one": {"n": 1},
    "routed": {"n": 2},
    "inside masks": {"n": 2, "placement": Masks(((LEFT > 0.5).float(), (LEFT <= 0.5).float()))},
    "sharing places": {"n": 2, "placement": Masks((LEFT, 1 - LEFT))},
}


@pytest.fixture
def attends(monkeypatch):
    """Let the UNet's layers attend with a function of `comfy.ldm.modules.attention`, by its name, or with another one."""
    import comfy.ldm.modules.attention as attention

    def choose(function):
        chosen = getattr(attention, function) if isinstance(function, str) else function
        for name in ("optimized_attention", "optimized_attention_masked"):
            monkeypatch.setattr(attention, name, chosen)

    return choose


def put(model, residual):
    from likeness.host.unet.attention import inject

    return inject(model, [residual], name="people")


@pytest.mark.parametrize("cast", CASTS)
@pytest.mark.parametrize("function", ["attention_basic", "attention_split", "attention_sub_quad"])
def test_every_kernel_of_the_core_draws_the_same_people(loaded_model, people, drawn, attends, function, cast):
    with torch.inference_mode():
        model = put(loaded_model, people(loaded_model, **CASTS[cast]))
    attends("attention_pytorch")
    expected, plain = drawn(model), drawn(loaded_model)
    attends(function)
    torch.testing.assert_close(drawn(model), expected, atol=2e-4, rtol=1e-4)
    assert (expected - plain).abs().max() > 0.05


@pytest.mark.parametrize("cast", CASTS)
def test_a_kernel_that_rounds_never_sees_their_tokens(loaded_model, people, drawn, attends, cast):
    """As sage does, which also has a least number of keys: it is called as often, and with as many, as without people."""
    from comfy.ldm.modules.attention import attention_pytorch

    seen = []

    def rounding(q, k, v, heads, *args, **kwargs):
        seen.append((q.shape[1], k.shape[1]))
        scale = k.abs().amax() / 127
        return attention_pytorch(q, (k / scale).round() * scale, v, heads, *args, **kwargs)

    with torch.inference_mode():
        model = put(loaded_model, people(loaded_model, **CASTS[cast]))
    attends(rounding)
    drawn(loaded_model)
    expected = list(seen)
    seen.clear()
    drawn(model)
    assert seen == expected
    assert TEXT in {keys for _, keys in seen}
