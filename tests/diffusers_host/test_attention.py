import pytest
import torch
from likeness.diffusers_host.attention import RunContext, all_positive, attach, find_sites, guidance_pair
from likeness.diffusers_host.noise_levels import stable_diffusion_sigma
from likeness.models.errors import IncompatibleBaseModelError, InvalidSettingError
from likeness.models.port.attention import Polarity, Run
from torch import nn

pytest.importorskip("diffusers")


class Stub:
    """Remembers its calls and adds a value."""

    def __init__(self, kinds=("cross",), add=None):
        self.kinds, self.add, self.calls = kinds, add, []

    def wants(self, site):
        return site.kind in self.kinds

    def __call__(self, site, call):
        self.calls.append((site, call))
        return None if self.add is None else self.add(site, call)


def output(unet, given):
    with torch.no_grad():
        return unet(**given).sample


def random_lora(unet, rank=2, seed=0, kinds=("self", "cross")):
    generator = torch.Generator().manual_seed(seed)
    names = {"q": "to_q", "k": "to_k", "v": "to_v", "out": "to_out.0"}
    lora = {}
    for site in find_sites(unet):
        if site.kind in kinds:
            layers = {part: unet.get_submodule(f"{site.path}.{name}") for part, name in names.items()}
            lora[site.index] = {
                part: (
                    torch.randn(rank, layer.in_features, generator=generator) / 4,
                    torch.randn(layer.out_features, rank, generator=generator) / 4,
                )
                for part, layer in layers.items()
            }
    return lora


def state(unet):
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks), m.__dict__.get("forward")) for m in unet.modules()]
    return hooks, {key: tensor.clone() for key, tensor in unet.state_dict().items()}, unet.attn_processors


def test_sites_of_sd15_follow_the_published_order(sd15):
    sites = find_sites(sd15)

    assert [site.index for site in sites] == list(range(32))
    assert [site.kind for site in sites[:4]] == ["self", "cross", "self", "cross"]
    blocks = [site.block[:2] for site in sites[::2]]
    inputs = [("input", number) for number in (1, 2, 4, 5, 7, 8)]
    outputs = [("output", number) for number in range(3, 12)]
    assert blocks == [*inputs, *outputs, ("middle", 0)]
    assert sites[-1].path == "mid_block.attentions.0.transformer_blocks.0.attn2"


def test_sites_of_sdxl_count_transformers(sdxl):
    blocks = [site.block for site in find_sites(sdxl) if site.kind == "cross"]

    inputs = [("input", number, t) for number, depth in ((4, 2), (5, 2), (7, 3), (8, 3)) for t in range(depth)]
    outputs = [("output", number, t) for number in range(6) for t in range(3 if number < 3 else 2)]
    assert blocks == [*inputs, *outputs, *(("middle", 0, t) for t in range(3))]


def test_detaching_leaves_the_unet_bit_identical(unet, inputs):
    before, given = state(unet), inputs(unet)
    plain = output(unet, given)

    detach = attach(unet, Stub(add=lambda site, call: call.query), lora=random_lora(unet))
    changed = output(unet, given)
    detach()
    detach()

    after = state(unet)
    assert not torch.allclose(changed, plain, atol=1e-3)
    assert torch.equal(output(unet, given), plain)
    assert after[0] == before[0]
    assert after[2] == before[2]
    assert all(torch.equal(after[1][key], before[1][key]) for key in before[1])


def test_adding_nothing_is_bit_identical(unet, inputs):
    given = inputs(unet)
    plain = output(unet, given)
    silent = Stub()

    detach = attach(unet, silent, lora=random_lora(unet), lora_strength=0.0)
    same = output(unet, given)
    detach()

    assert torch.equal(same, plain)
    assert len(silent.calls) == sum(site.kind == "cross" for site in find_sites(unet))


def test_layers_that_are_not_wanted_are_not_asked(sd15, inputs):
    asked = Stub(kinds=("self",))

    detach = attach(sd15, asked)
    output(sd15, inputs(sd15))
    detach()

    assert {site.kind for site, _ in asked.calls} == {"self"}
    assert len(asked.calls) == 16


def test_the_sum_equals_a_processor_written_out(unet, inputs):
    """The same residual computed by an attention processor instead of hooks."""
    given = inputs(unet)
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randn(1, 5, 24, generator=generator)

    def attend(q, k, v, heads):
        q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
        return nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)

    def add(site, call):
        layer = unet.get_submodule(site.path)
        extra = tokens.expand(call.hidden.shape[0], -1, -1)
        return 0.7 * attend(call.query, layer.to_k(extra), layer.to_v(extra), call.heads)

    detach = attach(unet, Stub(add=add))
    hooked = output(unet, given)
    detach()

    class Written:
        def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **kwargs):
            text = hidden_states if encoder_hidden_states is None else encoder_hidden_states
            q = attn.to_q(hidden_states)
            out = attend(q, attn.to_k(text), attn.to_v(text), attn.heads)
            if encoder_hidden_states is not None:
                extra = tokens.expand(len(q), -1, -1)
                out = out + 0.7 * attend(q, attn.to_k(extra), attn.to_v(extra), attn.heads)
            return attn.to_out[1](attn.to_out[0](out))

    processors = unet.attn_processors
    unet.set_attn_processor(Written())
    try:
        written = output(unet, given)
    finally:
        unet.set_attn_processor(processors)
    torch.testing.assert_close(hooked, written, atol=2e-5, rtol=1e-4)


def test_lora_equals_weights_with_the_delta_added(unet, inputs):
    import copy

    given, lora = inputs(unet), random_lora(unet)
    merged = copy.deepcopy(unet)
    names = {"q": "to_q", "k": "to_k", "v": "to_v", "out": "to_out.0"}
    for site in find_sites(merged):
        for part, (down, up) in lora[site.index].items():
            merged.get_submodule(f"{site.path}.{names[part]}").weight.data += 0.5 * up @ down

    detach = attach(unet, None, lora=lora, lora_strength=0.5)
    branched = output(unet, given)
    detach()

    torch.testing.assert_close(branched, output(merged, given), atol=1e-4, rtol=1e-4)


def test_what_a_residual_sees(sd15, inputs):
    seen = Stub()
    run = Run()
    given = inputs(sd15, rows=4, height=8, width=16)

    detach = attach(
        sd15,
        seen,
        lora=random_lora(sd15),
        context=RunContext(polarities=guidance_pair, sigma=lambda t: t / 10, run=run),
    )
    output(sd15, given)
    detach()

    assert len(seen.calls) == 2 * 16
    (site, negative), (_, positive) = seen.calls[:2]
    assert (negative.polarity, positive.polarity) == (Polarity.NEGATIVE, Polarity.POSITIVE)
    assert negative.samples == positive.samples == (0, 1)
    assert negative.sigma == 50.0
    assert negative.grid == (8, 16)
    assert negative.run is positive.run is run
    assert negative.crop is None
    assert {call.grid for site, call in seen.calls if site.block[0] == "middle"} == {(1, 2)}
    layer = sd15.get_submodule(site.path)
    down, up = random_lora(sd15)[site.index]["q"]
    query = layer.to_q(positive.hidden) + positive.hidden @ down.T @ up.T
    torch.testing.assert_close(positive.query, query, atol=1e-5, rtol=1e-5)
    assert positive.base.shape == positive.query.shape
    assert positive.heads == 4


def test_a_part_of_the_pictures_keeps_its_numbers(sd15, inputs):
    seen = Stub()
    given = inputs(sd15, rows=4)

    detach = attach(sd15, seen, context=RunContext(polarities=guidance_pair, first=5))
    output(sd15, given)
    detach()

    assert {call.samples for _, call in seen.calls} == {(5, 6)}


def test_rows_of_different_timesteps_are_asked_apart(sd15, inputs):
    seen = Stub()
    given = inputs(sd15, rows=3) | {"timestep": torch.tensor([10, 10, 700])}

    detach = attach(sd15, seen)
    output(sd15, given)
    detach()

    assert [call.samples for _, call in seen.calls[:2]] == [(0, 1), (2,)]
    assert [call.sigma for _, call in seen.calls[:2]] == [stable_diffusion_sigma(10), stable_diffusion_sigma(700)]


def test_rows_of_different_timesteps_stay_together_where_the_level_does_not_count(sd15, inputs):
    seen = Stub()
    given = inputs(sd15, rows=3) | {"timestep": torch.tensor([10, 400, 700])}

    detach = attach(sd15, seen, context=RunContext(sigma=lambda _: 0.0))
    output(sd15, given)
    detach()

    assert {call.samples for _, call in seen.calls} == {(0, 1, 2)}


def test_batch_of_two_equals_two_of_one(unet, inputs):
    given = inputs(unet)
    detach = attach(unet, Stub(add=lambda site, call: 0.5 * call.base), lora=random_lora(unet))
    together = output(unet, given)

    def row(value, place):
        if isinstance(value, dict):
            return {key: row(inner, place) for key, inner in value.items()}
        return value[place : place + 1] if value.ndim else value

    alone = [output(unet, {key: row(value, place) for key, value in given.items()}) for place in range(2)]
    detach()

    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)


def test_two_attachments_add_up_and_come_off_in_any_order(sd15, inputs):
    given = inputs(sd15)
    plain = output(sd15, given)

    def add(site, call):
        return 0.1 * call.query

    both = attach(sd15, [Stub(add=add), Stub(add=add)])
    together = output(sd15, given)
    both()
    first, second = attach(sd15, Stub(add=add)), attach(sd15, Stub(add=add))
    stacked = output(sd15, given)
    first()
    second()

    torch.testing.assert_close(stacked, together, atol=1e-5, rtol=1e-5)
    assert torch.equal(output(sd15, given), plain)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_reach_residual_and_lora_but_not_the_unet(inputs, sd15, checkpointing):
    weight = nn.Parameter(torch.tensor(0.1))
    lora = {
        index: {part: (down.requires_grad_(), up.requires_grad_()) for part, (down, up) in parts.items()}
        for index, parts in random_lora(sd15).items()
    }
    if checkpointing:
        sd15.enable_gradient_checkpointing()
        sd15.train()
    detach = attach(sd15, Stub(add=lambda site, call: weight * call.query), lora=lora)
    try:
        sd15(**inputs(sd15)).sample.square().mean().backward()
    finally:
        detach()
        sd15.disable_gradient_checkpointing()
        sd15.eval()

    assert weight.grad is not None
    assert weight.grad.abs() > 0
    assert all(matrix.grad is not None for parts in lora.values() for pair in parts.values() for matrix in pair)
    assert all(parameter.grad is None for parameter in sd15.parameters())


def test_foreign_networks_and_lora_are_refused(sd15):
    with pytest.raises(IncompatibleBaseModelError, match="UNet2DConditionModel"):
        attach(nn.Linear(2, 2), Stub())
    with pytest.raises(IncompatibleBaseModelError, match="32×32"):
        attach(sd15, None, lora={0: {"q": (torch.zeros(2, 48), torch.zeros(48, 2))}})
    assert not any(module._forward_hooks for module in sd15.modules())


def test_fused_projections_are_told(inputs):
    from likeness.tests.small_unets import SD15, build

    fused = build(SD15)
    fused.fuse_qkv_projections()
    attach(fused, Stub(kinds=("self",)))

    with pytest.raises(IncompatibleBaseModelError, match="unfuse_qkv_projections"):
        output(fused, inputs(fused))


def test_polarities_must_fit_the_batch(sd15, inputs):
    assert all_positive(2) == (Polarity.POSITIVE,) * 2
    with pytest.raises(InvalidSettingError, match="3"):
        guidance_pair(3)
    detach = attach(sd15, Stub(), context=RunContext(polarities=lambda rows: (Polarity.POSITIVE,)))
    with pytest.raises(InvalidSettingError, match="2 rows and 1"):
        output(sd15, inputs(sd15))
    detach()
