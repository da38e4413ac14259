"""Every kind of file is recognised as itself."""

import functools

import pytest
from likeness.models.weights.signatures import known_files
from likeness.models.weights.state_dict import identify

UNIPORTRAIT_LAYER = "faceid_adapter.1.to_k_faceid.weight"
FILES = {
    "ConsistentID": ["image_proj.norm.weight", "FacialEncoder.a", "adapter_modules.1.to_k_ip.weight"],
    "FaceStudio": ["layer.weight", "layer.bias", "attention.1.to_k.weight"],
    "OmniPortrait": ["fusion.weight", "fusion.bias", "visual.conv1.weight"],
    "faceid": ["faceid_proj.latents", UNIPORTRAIT_LAYER],
    "router": ["faceid_adapter.1.to_q_router.0.weight", UNIPORTRAIT_LAYER],
    "backbone": ["input_layer.0.weight", "body.0.res_layer.1.weight"],
    "FaceNet": ["conv2d_1a.conv.weight", "mixed_6a.branch0.conv.weight", "logits.weight"],
    "image prompt": ["image_proj.proj.weight", "image_proj.norm.weight", "ip_adapter.1.to_k_ip.weight"],
    "IP-Adapter Plus": ["image_proj.latents", "image_proj.proj_in.weight", "ip_adapter.1.to_k_ip.weight"],
    "IP-Adapter Full Face": ["image_proj.proj.0.weight", "image_proj.proj.3.weight", "ip_adapter.1.to_k_ip.weight"],
    "IP-Adapter FaceID": [
        "image_proj.proj.0.weight",
        "image_proj.norm.weight",
        "ip_adapter.0.to_q_lora.down.weight",
        "ip_adapter.1.to_k_ip.weight",
    ],
    "IP-Adapter FaceID Plus": [
        "image_proj.proj.0.weight",
        "image_proj.norm.weight",
        "image_proj.perceiver_resampler.proj_in.weight",
        "ip_adapter.1.to_k_ip.weight",
    ],
    "IP-Adapter FaceID LoRA": [
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_up.weight",
    ],
    "face parser": ["cp.resnet.conv1.weight", "ffm.convblk.conv.weight", "conv_out32.conv_out.weight"],
    "ParseNet": ["encoder.0.weight", "out_mask_conv.weight"],
    "DINO": ["cls_token", "pos_embed", "blocks.0.attn.qkv.weight"],
    "DINOv2": ["cls_token", "pos_embed", "blocks.0.attn.qkv.weight", "mask_token"],
    "classifier": ["cls_token", "pos_embed", "blocks.0.attn.qkv.weight", "head.weight"],
    "DINO training": ["student.module.backbone.cls_token", "teacher.backbone.cls_token"],
    "prior": ["prd_embedding", "transformer_blocks.0.norm1.weight", "time_embedding.linear_1.weight"],
    "base model": ["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.a"],
    "CLIP vision": ["vision_model.embeddings.class_embedding"],
    "ControlNet": ["control_model.input_hint_block.0.weight", "control_model.zero_convs.0.0.weight"],
    "CLIP text": ["text_model.encoder.layers.0.layer_norm1.weight", "text_projection.weight"],
    "LoRA": ["lora_unet_down_blocks_0.lora_down.weight"],
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_what_its_keys_say(kind):
    found = identify(FILES[kind], known_files())
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("kind", ["image prompt", "IP-Adapter Plus", "IP-Adapter FaceID"])
def test_ip_adapters_are_recognised_in_training_checkpoints_too(kind):
    aliases = {"image_proj.": "image_proj_model.", "ip_adapter.": "adapter_modules."}
    keys = [functools.reduce(lambda name, old: name.replace(old, aliases[old]), aliases, key) for key in FILES[kind]]
    found = identify([*keys, "unet.conv_in.weight"], known_files())
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    "other",
    [
        "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
        "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight",
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_ff_net_2.lora_down.weight",
        "lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight",
    ],
)
def test_a_lora_of_other_layers_too_is_no_faceid_lora(other):
    found = identify([*FILES["IP-Adapter FaceID LoRA"], other], known_files())
    assert found is not None
    assert found.kind == "LoRA"


def test_unknown_keys_are_nothing():
    assert identify(["encoder.weight", "head.bias"], known_files()) is None
    assert identify([], known_files()) is None


def test_kinds_are_distinct_and_every_one_of_them_is_tried_here():
    kinds = [signature.kind for signature in known_files()]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) == set(FILES)
