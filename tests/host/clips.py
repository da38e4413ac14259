"""CLIPs of ComfyUI's own classes, tiny, with a text projection or without, and the same weights in transformers."""

from __future__ import annotations

from types import SimpleNamespace

import torch

NARROW, WIDE = 16, 32  # widths of the towers "l" and "g"
LAYERS = 3


def sizes(width):
    return {
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_attention_heads": 2,
        "num_hidden_layers": LAYERS,
    }


def tiny_clip(kind="sdxl", *, dtype=torch.float32):
    """A CLIP, "sd15", "sdxl", or "g" as Load CLIP makes it of bigG's file; its towers' values are random."""
    import comfy.sd
    from comfy import sd1_clip, sdxl_clip
    from likeness.tests.host.conftest import filled

    classes = {
        "sd15": (sd1_clip.SD1ClipModel, sd1_clip.SD1Tokenizer),
        "sdxl": (sdxl_clip.SDXLClipModel, sdxl_clip.SDXLTokenizer),
        "g": (sdxl_clip.SDXLRefinerClipModel, sdxl_clip.SDXLTokenizer),
    }
    made, tokenizer = classes[kind]
    options = {"clip_l_model_config": sizes(NARROW), "clip_g_model_config": sizes(WIDE), "dtype": dtype}
    clip = comfy.sd.CLIP(SimpleNamespace(params={}, clip=made, tokenizer=tokenizer), model_options=options)
    filled(clip.cond_stage_model, 9, scale=2.0)
    return clip


def unproject(clip, name="clip_l", value=0.0):
    """Leave a tower's text projection as no file filled it."""
    getattr(clip.cond_stage_model, name).transformer.text_projection.weight.data.fill_(value)
    return clip


def transformers_tower(clip, name):
    """The tower in transformers' class, with the same weights."""
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    tower = getattr(clip.cond_stage_model, name).transformer
    width = NARROW if name == "clip_l" else WIDE
    config = CLIPTextConfig(
        **sizes(width),
        projection_dim=width,
        vocab_size=49408,
        hidden_act="quick_gelu" if name == "clip_l" else "gelu",
        eos_token_id=49407,
        bos_token_id=49406,
    )
    reference = CLIPTextModelWithProjection(config).eval()
    missing, unexpected = reference.load_state_dict(tower.state_dict(), strict=False)
    assert unexpected == []
    assert [key for key in missing if not key.endswith("position_ids")] == []
    return reference
