import re

import pytest
import torch
from likeness.models.consistentid.checkpoint import load, trained_corrected
from likeness.models.errors import UnknownCheckpointError
from likeness.models.weights.state_dict import flatten
from safetensors.torch import save_file


def load_small(source, **options):
    return load(source, dim_head=8, **options)


def contiguous(weights):
    return {key: tensor.contiguous() for key, tensor in flatten(weights).items()}


def everything(adapter):
    parts = {name: getattr(adapter, name).state_dict() for name in ("id_projection", "facial_encoder", "attention")}
    lora = {
        str(index): {f"{part}.{half}": matrix for part, pair in pairs.items() for half, matrix in enumerate(pair)}
        for index, pairs in adapter.lora.items()
    }
    return flatten(parts | {"lora": lora})


def assert_same(one, other):
    mine, theirs = everything(one), everything(other)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def test_sizes_come_from_the_tensors(consistentid_file):
    adapter = load_small(consistentid_file)

    assert adapter.widths == {1: 8, 3: 24}
    assert adapter.context_dim == 16
    assert list(adapter.attention) == ["1", "3"]
    assert list(adapter.lora) == [0, 1, 2, 3]
    assert all(sorted(pairs) == ["k", "out", "q", "v"] for pairs in adapter.lora.values())
    assert adapter.metadata == {}


def test_every_form_of_a_file_gives_the_same(tmp_path, consistentid_file):
    expected = load_small(consistentid_file)
    renamed = {"image_proj_model": consistentid_file["image_proj"], **consistentid_file}
    del renamed["image_proj"]
    dump = flatten(renamed) | {"unet.conv_in.weight": torch.zeros(2)}
    torch.save(consistentid_file, tmp_path / "a.bin")
    torch.save(dump, tmp_path / "b.anything")
    save_file(contiguous(renamed), tmp_path / "c.safetensors", {"likeness.consistentid": "corrected"})

    for source in (renamed, dump, *(tmp_path / name for name in ("a.bin", "b.anything", "c.safetensors"))):
        assert_same(load_small(source), expected)


def test_metadata_tell_the_mode(tmp_path, consistentid_file):
    save_file(contiguous(consistentid_file), tmp_path / "plain.safetensors")
    save_file(contiguous(consistentid_file), tmp_path / "ours.safetensors", {"likeness.consistentid": "corrected"})

    assert not trained_corrected(load_small(str(tmp_path / "plain.safetensors")).metadata)
    assert trained_corrected(load_small(tmp_path / "ours.safetensors").metadata)


def test_dtype(consistentid_file):
    adapter = load_small(consistentid_file, dtype=torch.float16)

    assert {weight.dtype for weight in adapter.attention.state_dict().values()} == {torch.float16}
    assert {pair[0].dtype for pairs in adapter.lora.values() for pair in pairs.values()} == {torch.float16}
    assert next(adapter.facial_encoder.parameters()).dtype == torch.float32


@pytest.mark.parametrize(
    ("group", "key"),
    [
        ("adapter_modules", "3.to_k_ip.weight"),
        ("adapter_modules", "0.to_q_lora.down.weight"),
        ("adapter_modules", "2.to_out_lora.up.weight"),
        ("image_proj", "norm.bias"),
        ("FacialEncoder", "visual_projection.proj_out.bias"),
    ],
)
def test_one_missing_tensor_is_named(consistentid_file, group, key):
    del consistentid_file[group][key]

    with pytest.raises(UnknownCheckpointError, match=rf"1 missing \((\w+\.)?{re.escape(key)}\)"):
        load_small(consistentid_file)


def test_a_whole_layer_that_lacks_is_named(consistentid_file):
    layers = consistentid_file["adapter_modules"]
    for key in [key for key in layers if key.startswith("1.")]:
        del layers[key]

    with pytest.raises(UnknownCheckpointError, match=r"10 missing \(adapter_modules\.1\.to_q_lora\.down\.weight"):
        load_small(consistentid_file)


def test_the_last_cross_attention_must_be_there(consistentid_file):
    layers = consistentid_file["adapter_modules"]
    for key in [key for key in layers if key.startswith("3.")]:
        del layers[key]

    with pytest.raises(UnknownCheckpointError, match="10 missing"):
        load_small(consistentid_file)


def test_all_faults_of_the_layers_come_together(consistentid_file):
    layers = consistentid_file["adapter_modules"]
    del layers["1.to_v_ip.weight"]
    layers["1.to_k_ip.weight"] = layers["1.to_k_ip.weight"][:, 1:]
    layers["0.to_k_ip.weight"] = torch.zeros(8, 16)
    layers["stranger"] = torch.zeros(1)

    expected = r"1 missing .*to_v_ip.*2 unexpected .*0\.to_k_ip.*stranger.*1 of another shape .*1\.to_k_ip\.weight is \(8, 15\)"
    with pytest.raises(UnknownCheckpointError, match=expected):
        load_small(consistentid_file)


@pytest.mark.parametrize("key", ["2.to_k_lora.down.weight", "3.to_v_lora.down.weight", "3.to_out_lora.up.weight"])
def test_misshapen_lora_is_named(consistentid_file, key):
    layers = consistentid_file["adapter_modules"]
    layers[key] = torch.zeros(5, 5)

    with pytest.raises(UnknownCheckpointError, match=re.escape(key)):
        load_small(consistentid_file)


def test_strangers_beside_the_groups_are_named(consistentid_file):
    with pytest.raises(UnknownCheckpointError, match=r"1 unexpected \(other\.weight\)"):
        load_small(consistentid_file | {"other": {"weight": torch.zeros(1)}})


def test_halves_of_different_models_are_refused(consistentid_file):
    encoder = consistentid_file["FacialEncoder"]
    for key, tensor in encoder.items():
        if key.startswith(("fuse_module", "visual_projection.proj_out", "visual_projection.norm_out")):
            encoder[key] = torch.cat([tensor] * 2) if tensor.shape[0] in (16, 32) else tensor
            if encoder[key].ndim == 2 and key.startswith("fuse_module"):
                encoder[key] = torch.cat([encoder[key]] * 2, dim=1)

    with pytest.raises(UnknownCheckpointError, match="fuse_module is 32 wide and should be 16"):
        load_small(consistentid_file)


def test_encoders_of_different_image_encoders_are_refused(consistentid_file):
    wide = "visual_projection.proj_in.weight"
    encoder = consistentid_file["FacialEncoder"]
    encoder[wide] = torch.cat([encoder[wide], encoder[wide][:, :1]], dim=1)

    with pytest.raises(
        UnknownCheckpointError, match=r"FacialEncoder\.visual_projection\.proj_in is 13 wide and should be 12"
    ):
        load_small(consistentid_file)


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        (["faceid_proj.latents", "faceid_adapter.1.to_k_faceid.weight"], 'UniPortrait faceid file, .*"faceid" of Load'),
        (["faceid_adapter.1.to_q_router.0.weight"], "UniPortrait router file"),
        (["image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight"], "a plain IP-Adapter file"),
        (["image_proj.latents", "ip_adapter.1.to_k_ip.weight"], "an IP-Adapter Plus file"),
        (["model.diffusion_model.out.0.weight"], "a Stable Diffusion checkpoint"),
        (["lora_unet_down.alpha"], "a LoRA"),
        (["vision_model.post_layernorm.bias"], "a CLIP vision model"),
        (
            ["cp.resnet.conv1.weight", "ffm.convblk.conv.weight", "conv_out32.conv_out.weight"],
            'a BiSeNet face parser, .*"face_parser" of Load Face Parser',
        ),
        (["cls_token", "pos_embed", "blocks.0.attn.qkv.weight"], "a DINO image encoder"),
        (["what.ever"], "no adapter known here"),
    ],
)
def test_another_file_is_told_by_name(keys, what):
    with pytest.raises(UnknownCheckpointError, match=rf'not a ConsistentID file.*{what}.*"consistentid" of Load'):
        load(dict.fromkeys(keys, torch.zeros(1)))


def test_uniportrait_tells_a_consistentid_file(consistentid_file):
    from likeness.models.uniportrait.checkpoint import load as load_uniportrait

    with pytest.raises(UnknownCheckpointError, match='a ConsistentID file, which belongs in "consistentid"'):
        load_uniportrait(consistentid_file)
