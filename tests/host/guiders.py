"""ComfyUI's guiders over one MODEL, and a short run of one."""

from __future__ import annotations

import torch


def run_guider(guider, *, size=(16, 16), batch=1):
    """Two Euler steps of a guider; gives the latent."""
    import comfy.samplers

    noise = torch.randn(batch, 4, *size, generator=torch.Generator().manual_seed(0))
    sigmas = torch.tensor([5.0, 1.0, 0.0])
    sampler = comfy.samplers.sampler_object("euler")
    return guider.sample(noise, torch.zeros_like(noise), sampler, sigmas, disable_pbar=True, seed=0)


def guiders(model, conditioning):
    """Every stock guider: its name, the guider and the polarities that must be seen."""
    import comfy.samplers
    from comfy_extras import nodes_custom_sampler, nodes_perpneg

    positive, middle, negative = conditioning(1), conditioning(2), conditioning(3)
    cfg = comfy.samplers.CFGGuider(model)
    cfg.set_conds(positive, negative)
    cfg.set_cfg(4.0)
    no_cfg = comfy.samplers.CFGGuider(model)
    no_cfg.set_conds(positive, negative)
    no_cfg.set_cfg(1.0)
    basic = nodes_custom_sampler.Guider_Basic(model)
    basic.set_conds(positive)
    dual = nodes_custom_sampler.Guider_DualCFG(model)
    dual.set_conds(positive, middle, negative)
    dual.set_cfg(3.0, 4.0)
    perp = nodes_perpneg.Guider_PerpNeg(model)
    perp.set_conds(positive, negative, middle)
    perp.set_cfg(4.0, 1.0)
    return {
        "cfg": (cfg, {"POSITIVE", "NEGATIVE"}),
        "no cfg": (no_cfg, {"POSITIVE"}),
        "basic": (basic, {"POSITIVE"}),
        "dual": (dual, {"POSITIVE", "MIDDLE", "NEGATIVE"}),
        "perp": (perp, {"POSITIVE", "NEGATIVE"}),
    }
