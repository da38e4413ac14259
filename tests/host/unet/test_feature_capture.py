"""Features of a running UNet: which they are, where the graph ends, and what is left alone."""

from __future__ import annotations

import pytest
import torch
from likeness.models.port.attention import Crop, Polarity, Run

pytestmark = pytest.mark.comfy

BLOCK = 5


def call(model, captured, x, options=None):
    """One call of the UNet with what was captured in its options."""
    options = {**model.model_options["transformer_options"], **(options or {})}
    text = torch.randn(len(x), 7, 24, generator=torch.Generator().manual_seed(1))
    added = {} if captured is None else captured.options(options)
    unet = model.model.diffusion_model
    return unet(x, torch.full((len(x),), 500.0), text, transformer_options={**options, **added})


def capture(*blocks, **settings):
    from likeness.host.unet.feature_capture import CapturedFeatures

    return CapturedFeatures(blocks, **settings)


def latents(rows=1):
    return torch.randn(rows, 4, 16, 16, generator=torch.Generator().manual_seed(0))


def test_captured_features_are_what_the_block_gives_and_the_output_stays(tiny_model):
    model, kept = tiny_model(), {}
    plain = call(model, None, latents())
    for block in (BLOCK, 8):
        model.model.diffusion_model.output_blocks[block][-1].register_forward_hook(
            lambda module, args, output, block=block: kept.update({block: output})
        )
    captured = capture(BLOCK, 8)
    torch.testing.assert_close(
        call(model, captured, latents()), plain, atol=1e-4, rtol=1e-4
    )  # by another attention function
    for block in (BLOCK, 8):
        assert torch.equal(captured.features[block], kept[block])


def test_the_graph_ends_behind_the_last_captured_block(tiny_model):
    model, captured, x = tiny_model(), capture(BLOCK), latents().requires_grad_(True)
    output = call(model, captured, x)
    assert not output.requires_grad
    [gradient] = torch.autograd.grad(captured.features[BLOCK].square().sum(), x)
    assert gradient.abs().max() > 0


def test_a_call_for_features_alone_ends_there_and_keeps_its_own_memory(tiny_model):
    from likeness.host.unet.feature_capture import ReachedError

    model, captured, run = tiny_model(), capture(BLOCK, is_all=True), Run()
    added = captured.options({"likeness.run": run})
    assert added["likeness.run"] is not run
    with pytest.raises(ReachedError):
        call(model, captured, latents())
    assert captured.features[BLOCK].shape == (1, 128, 8, 8)


def test_guided_calls_of_a_run_share_a_memory_of_their_own(tiny_model):
    """What is remembered without a graph must not be read with one; the recorder is the same."""
    run = Run(recorder=object())
    first, second = (capture(BLOCK).options({"likeness.run": run})["likeness.run"] for _ in range(2))
    assert first is second
    assert first is not run
    assert first.recorder is run.recorder


def test_only_conds_of_the_whole_picture_are_read(tiny_model):
    from likeness.host.sampling.conds import CondInfo

    model, captured = tiny_model(), capture(BLOCK)
    part = CondInfo(Polarity.POSITIVE, crop=Crop(0, 0, 16, 8, 16, 16))
    known = {"uuids": ["part", "whole"], "likeness.conds": {"part": part, "whole": CondInfo(Polarity.POSITIVE)}}
    x = latents(2)
    call(model, captured, x, known)
    whole = capture(BLOCK)
    call(model, whole, x)
    torch.testing.assert_close(captured.features[BLOCK], whole.features[BLOCK][1:])


def test_patches_and_overrides_that_were_there_still_run(tiny_model):
    seen = []

    def patch(h, skip, options):
        seen.append("patch")
        return h, skip

    def override(function, *args, **kwargs):
        seen.append("override")
        return function(*args, **kwargs)

    options = {"patches": {"output_block_patch": [patch]}, "optimized_attention_override": override}
    call(tiny_model(), capture(BLOCK), latents(), options)
    assert seen.count("patch") == 12
    assert seen.count("override") == 32  # self- and cross-attention
    assert options["patches"] == {"output_block_patch": [patch]}
