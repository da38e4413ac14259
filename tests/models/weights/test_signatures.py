"""Every kind of file is recognised as itself."""

import pytest
from likeness.models.weights.signatures import known_files
from likeness.models.weights.state_dict import identify

UNIPORTRAIT_LAYER = "faceid_adapter.1.to_k_faceid.weight"
FILES = {
    "ConsistentID": ["image_proj.norm.weight", "FacialEncoder.a", "adapter_modules.1.to_k_ip.weight"],
    "OmniPortrait": ["fusion.weight", "fusion.bias", "visual.conv1.weight"],
    "faceid": ["faceid_proj.latents", UNIPORTRAIT_LAYER],
    "router": ["faceid_adapter.1.to_q_router.0.weight", UNIPORTRAIT_LAYER],
    "backbone": ["input_layer.0.weight", "body.0.res_layer.1.weight"],
    "image prompt": ["image_proj.proj.weight", "image_proj.norm.weight", "ip_adapter.1.to_k_ip.weight"],
    "face parser": ["cp.resnet.conv1.weight", "ffm.convblk.conv.weight", "conv_out32.conv_out.weight"],
    "ParseNet": ["encoder.0.weight", "out_mask_conv.weight"],
    "DINO": ["cls_token", "pos_embed", "blocks.0.attn.qkv.weight"],
    "DINOv2": ["cls_token", "pos_embed", "blocks.0.attn.qkv.weight", "mask_token"],
    "classifier": ["cls_token", "pos_embed", "blocks.0.attn.qkv.weight", "head.weight"],
    "DINO training": ["student.module.backbone.cls_token", "teacher.backbone.cls_token"],
    "base model": ["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.a"],
    "CLIP vision": ["vision_model.embeddings.class_embedding"],
    "LoRA": ["lora_unet_down_blocks_0.lora_down.weight"],
}
OTHER_IP_ADAPTERS = {
    "Plus": ["image_proj.latents", "image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight"],
    "FaceID": ["image_proj.proj.0.weight", "ip_adapter.0.to_q_lora.down.weight", "ip_adapter.1.to_k_ip.weight"],
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_what_its_keys_say(kind):
    found = identify(FILES[kind], known_files())
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("kind", OTHER_IP_ADAPTERS)
def test_other_ip_adapters_are_not_taken_for_the_plain_one(kind):
    found = identify(OTHER_IP_ADAPTERS[kind], known_files())
    assert found is not None
    assert found.kind == "other IP-Adapter"


def test_unknown_keys_are_nothing():
    assert identify(["encoder.weight", "head.bias"], known_files()) is None
    assert identify([], known_files()) is None


def test_kinds_are_distinct_and_every_one_of_them_is_tried_here():
    kinds = [signature.kind for signature in known_files()]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) == {*FILES, "other IP-Adapter"}
