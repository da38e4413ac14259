"""Residuals in ComfyUI's UNet: every site fires, the model stays untouched, sums hold with other packs."""

import copy

import pytest
import torch

pytestmark = pytest.mark.comfy


def attach(model, *residuals):
    from likeness.host.unet.attention import inject

    return inject(model, residuals, name="test")


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_every_site_fires_and_the_input_model_is_untouched(tiny_model, people, sample, kind, caplog):
    model = tiny_model(kind)
    before = sample(model)
    options = copy.deepcopy(model.model_options)
    patched = attach(model, people(model))
    with caplog.at_level("INFO"):
        after = sample(patched)
    count = 16 if kind == "sd15" else 70
    assert f"{count}/{count} sites active" in caplog.text
    assert not torch.equal(before, after)
    assert torch.equal(sample(model), before)
    assert model.model_options == options
    assert model.wrappers == tiny_model(kind).wrappers


def independent(model, residual):
    """The same residual in a form of its own: q and the output projection computed again after the layer."""
    from likeness.host.unet.sites import find_sites, unet_of
    from likeness.models.port.attention import AttentionCall, Polarity, Run

    unet = unet_of(model)
    sites = {site.block: site for site in find_sites(unet) if site.kind == "cross"}
    clone, stash = model.clone(), {}

    def before(n, context, value, extra):
        stash["n"] = n
        return n, context, value

    def after(n, extra):
        site = sites[(*extra["block"], extra["block_index"])]
        layer = unet.get_submodule(site.path)
        query = layer.to_q(stash["n"])
        per_chunk = n.shape[0] // len(extra["cond_or_uncond"])
        parts = []
        for place, cond in enumerate(extra["cond_or_uncond"]):
            rows = slice(place * per_chunk, (place + 1) * per_chunk)
            call = AttentionCall(
                hidden=stash["n"][rows],
                query=query[rows],
                base=None,
                heads=extra["n_heads"],
                grid=tuple(extra["activations_shape"][-2:]),
                polarity=Polarity.NEGATIVE if cond == 1 else Polarity.POSITIVE,
                samples=tuple(range(per_chunk)),
                sigma=float(extra["sigmas"][0]),
                crop=None,
                run=Run(),
            )
            parts.append(residual(site, call))
        return n + torch.nn.functional.linear(torch.cat(parts), layer.to_out[0].weight)

    clone.set_model_attn2_patch(before)
    clone.set_model_attn2_output_patch(after)
    return clone


@pytest.mark.parametrize("size", [(16, 16), (24, 16), (18, 10)])
def test_equal_to_the_output_form(tiny_model, people, sample, size):
    model = tiny_model()
    residual = people(model, 3)
    torch.testing.assert_close(
        sample(attach(model, residual), size=size),
        sample(independent(model, residual), size=size),
        atol=2e-4,
        rtol=1e-4,
    )


class Replacement:
    """A stand-in that uses slots the way peers do: a replace patch that collects callbacks by `.add` in place."""

    def __init__(self, scale):
        self.scales = [scale]

    def add(self, scale):
        self.scales.append(scale)

    def __call__(self, q, k, v, extra):
        from comfy.ldm.modules.attention import optimized_attention

        out = optimized_attention(q, k, v, extra["n_heads"])
        return out * (1 + sum(self.scales))


def peer(model, scale=0.1, *, transformer_index=False):
    """Put the stand-in on every site, by 2-tuple or 3-tuple keys; add to one that is already there."""
    from likeness.host.unet.sites import find_sites, unet_of

    clone = model.clone()
    options = clone.model_options["transformer_options"]
    slots = options["patches_replace"] = dict(options.get("patches_replace", {}))
    slots["attn2"] = dict(slots.get("attn2", {}))
    for site in find_sites(unet_of(model)):
        if site.kind == "cross":
            key = site.block if transformer_index else site.block[:2]
            if key in slots["attn2"]:
                slots["attn2"][key].add(scale)
            else:
                slots["attn2"][key] = Replacement(scale)
    return clone


@pytest.mark.parametrize("transformer_index", [False, True])
def test_sums_with_a_replace_patch_before_and_after(tiny_model, people, sample, transformer_index):
    model = tiny_model()
    residual = people(model)
    before = sample(attach(peer(model, transformer_index=transformer_index), residual))
    after = sample(peer(attach(model, residual), transformer_index=transformer_index))
    expected = sample(independent(peer(model, transformer_index=transformer_index), residual))
    torch.testing.assert_close(before, after, atol=0, rtol=0)
    torch.testing.assert_close(before, expected, atol=2e-4, rtol=1e-4)


def test_sums_with_a_replace_patch_on_some_sites(tiny_model, people, sample):
    from likeness.host.unet.sites import find_sites, unet_of

    model = tiny_model()
    residual = people(model)
    for site in [s for s in find_sites(unet_of(model)) if s.kind == "cross"][:3]:
        model.set_model_attn2_replace(Replacement(0.2), *site.block)
    torch.testing.assert_close(
        sample(attach(model, residual)), sample(independent(model, residual)), atol=2e-4, rtol=1e-4
    )


def test_an_override_put_on_top_of_ours(tiny_model, people, sample, caplog):
    model = tiny_model()
    patched = attach(model, people(model))
    expected = sample(patched)
    foreign = patched.clone()
    foreign.model_options["transformer_options"]["optimized_attention_override"] = lambda f, *a, **k: f(*a, **k)
    with caplog.at_level("INFO"):
        torch.testing.assert_close(sample(foreign), expected, atol=2e-4, rtol=1e-4)
    assert "16/16 sites active" in caplog.text


def test_an_override_that_was_there_before_is_called(tiny_model, people, sample):
    model = tiny_model()
    calls = []

    def backend(function, *args, **kwargs):
        calls.append(1)
        return function(*args, **kwargs)

    model.model_options["transformer_options"]["optimized_attention_override"] = backend
    sample(attach(model, people(model)))
    assert len(calls) == 2 * 32  # two steps, self- and cross-attention of 16 blocks


def test_two_injections_add_up_in_any_order(tiny_model, people, sample):
    model = tiny_model()
    first, second = people(model, 2, seed=1), people(model, 1, seed=2)
    one = sample(attach(attach(model, first), second))
    other = sample(attach(attach(model, second), first))
    together = sample(attach(model, first, second))
    torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-4)
    torch.testing.assert_close(one, together, atol=2e-4, rtol=1e-4)


def test_a_batch_of_two_equals_two_batches_of_one(tiny_model, people, sample):
    model = tiny_model()
    patched = attach(model, people(model))
    both = sample(patched, batch=2, seed=5)
    # the noise of a batch is drawn at once, so the single runs take their part of it
    import comfy.sample

    noise = torch.randn((2, 4, 16, 16), generator=torch.Generator().manual_seed(5))
    singles = [one(patched, noise[place : place + 1], comfy.sample) for place in range(2)]
    torch.testing.assert_close(both, torch.cat(singles), atol=2e-4, rtol=1e-4)


def one(model, noise, sampling):
    def text(seed):
        generator = torch.Generator().manual_seed(seed)
        return [[torch.randn(1, 7, 24, generator=generator), {"pooled_output": None}]]

    latent = torch.zeros_like(noise)
    return sampling.sample(
        model, noise, 2, 4.0, "euler", "normal", text(10), text(11), latent, disable_pbar=True, seed=5
    )


def test_requeueing_gives_the_same_bits(tiny_model, people, sample):
    model = tiny_model()
    patched = attach(model, people(model))
    first = sample(patched)
    for _ in range(3):
        assert torch.equal(sample(peer(patched)), sample(peer(patched)))
        assert torch.equal(sample(patched), first)


def test_clones_share_the_adapter(tiny_model, people):
    model = tiny_model()
    residual = people(model)
    clone = attach(model, residual)
    for _ in range(10):
        clone = clone.clone()
    patch = clone.model_options["transformer_options"]["patches"]["attn2_patch"][0]
    assert patch.__self__.residuals[0] is residual


def test_a_model_without_a_unet_is_refused(people, tiny_model):
    from likeness.models.errors import IncompatibleBaseModelError
    from torch import nn

    class Flux:
        model = nn.Module()

    with pytest.raises(IncompatibleBaseModelError, match="no UNet with cross-attention; connect an SD1"):
        attach(Flux(), people(tiny_model()))
