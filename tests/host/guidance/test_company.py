"""Layers of other packs that read the negative prompt's rows for the positive one, as normalized attention guidance does."""

from __future__ import annotations

import pytest
import torch
from likeness.models.port.attention import Run
from likeness.tests.host.bases import BASES, rounded
from likeness.tests.host.omniportrait.small_guidance import apply
from likeness.tests.host.omniportrait.small_guidance import people as in_photos

pytestmark = pytest.mark.comfy

NOWHERE = torch.zeros(1, 16, 16)  # a mask in which guidance moves nothing


def away_from_the_negative(n, options):
    """Move the positive rows of self-attention away from the negative ones, where both are there."""
    conds = options["cond_or_uncond"]
    if {0, 1} <= set(conds):
        parts = list(n.chunk(len(conds)))
        positive, negative = parts[conds.index(0)], parts[conds.index(1)]
        parts[conds.index(0)] = positive + 2 * (positive - negative)
        return torch.cat(parts)
    return n


def nothing(n, options):
    return n


def patched(model, patch):
    with torch.inference_mode():
        clone = model.clone()
        clone.set_model_attn1_output_patch(patch)
        return clone


def guided(model):
    return apply(model, in_photos(NOWHERE)).model


@pytest.mark.parametrize("is_first", [True, False])
def test_what_a_layer_takes_from_the_negative_prompt_is_kept_in_guided_steps(loaded_model, drawn, is_first):
    alone = drawn(patched(loaded_model, away_from_the_negative), steps=3)
    assert not torch.allclose(alone, drawn(loaded_model, steps=3), atol=1e-2)
    both = guided(patched(loaded_model, away_from_the_negative)) if is_first else None
    found = drawn(both or patched(guided(loaded_model), away_from_the_negative), steps=3)
    torch.testing.assert_close(found, alone, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("patch", "more"), [(nothing, 1), (away_from_the_negative, 3)])
def test_the_positive_prompt_is_asked_about_no_more_often_than_it_must(loaded_model, drawn, patch, more):
    """Once more where that changes nothing, to find it out; else in each of three steps."""
    rows = []
    hook = loaded_model.model.diffusion_model.time_embed.register_forward_hook(
        lambda _, given, output: rows.append(len(output))
    )
    drawn(guided(loaded_model), steps=3)
    alone = sum(rows)
    rows.clear()
    drawn(patched(guided(loaded_model), patch), steps=3)
    hook.remove()
    assert sum(rows) == alone + more


def test_a_wrapper_around_the_network_is_not_asked_twice_in_a_step(loaded_model, drawn):
    """A cache of results would give the second answer without running."""
    from comfy.patcher_extension import WrappersMP

    asked = []

    def wrapper(executor, x, *args, **kwargs):
        asked.append(len(x))
        return executor(x, *args, **kwargs)

    model = patched(guided(loaded_model), nothing)
    model.add_wrapper(WrappersMP.DIFFUSION_MODEL, wrapper)
    drawn(model, steps=1)
    assert asked[-2:] == [1, 1]


@pytest.fixture
def seen():
    """What the network took for the finished latent, and the noise in it."""
    return torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 1e-4), (torch.float16, 1e-2)])
def test_a_run_finds_out_once(seen, dtype, rounding):
    from likeness.host.guidance.company import TOGETHER, look

    run, (output, noise) = Run(), seen
    assert TOGETHER not in run.memo
    for factor in (1 + rounding, 2):
        look(run, output + noise, output, output * factor, dtype)
        assert run.memo[TOGETHER] is False


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_it_is_seen_at_every_noise_level(seen, scale):
    """Against the latent where little noise is left in it, against the noise where the latent is nearly that."""
    from likeness.host.guidance.company import TOGETHER, look

    run, (output, noise) = Run(), seen
    look(run, output + scale * noise, output, output + 0.1 * min(scale, 1) * noise, torch.float16)
    assert run.memo[TOGETHER] is True


def test_a_base_is_judged_by_the_type_that_it_calculates_in(tiny_model, drawn, monkeypatch):
    from likeness.host.guidance import guided_pass

    judged = []
    monkeypatch.setattr(guided_pass, "look", lambda run, x, together, alone, dtype: judged.append(dtype))
    with torch.inference_mode():
        base, _ = rounded(tiny_model(), BASES["e4m3 as fp32"])
    drawn(patched(guided(base), nothing), steps=1)
    assert judged == [torch.float32]
