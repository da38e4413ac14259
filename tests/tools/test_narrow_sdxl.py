"""The narrow checkpoint is SDXL to ComfyUI, with every layer that an adapter for SDXL wants."""

from __future__ import annotations

import logging

import pytest
import torch


@pytest.mark.comfy
@pytest.mark.slow
def test_comfyui_takes_the_narrow_checkpoint_for_sdxl(caplog):
    import comfy.sd
    from comfy import model_management
    from likeness.host.sites import find_sites, unet_of
    from likeness.tools.random_weights import NARROW_SDXL_CHECKPOINT, make

    path = str(make(NARROW_SDXL_CHECKPOINT))
    with torch.inference_mode(), caplog.at_level(logging.WARNING):
        model, clip, *_ = comfy.sd.load_checkpoint_guess_config(path, output_vae=False)
        assert not caplog.records  # of missing keys, for example
        assert type(model.model).__name__ == "SDXL"
        sites = [site for site in find_sites(unet_of(model)) if site.kind == "cross"]
        assert len(sites) == 70
        assert {site.channels for site in sites} == {320}
        tokens, pooled = clip.encode_from_tokens(clip.tokenize("a face"), return_pooled=True)
        assert tokens.shape == (1, 77, 2048)
        call = {"context": tokens.float(), "y": torch.zeros(1, 2816).index_fill_(1, torch.arange(9), 0.5)}
        noise = unet_of(model)(torch.ones(1, 4, 16, 16), torch.tensor([500.0]), **call)
    assert torch.isfinite(pooled).all()
    assert torch.isfinite(noise).all()
    assert noise.std() > 0
    model_management.unload_all_models()
