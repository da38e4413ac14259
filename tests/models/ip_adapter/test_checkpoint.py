from typing import Any, cast

import pytest
import torch
from likeness.models.errors import InvalidSettingError, LikenessError, UnknownCheckpointError
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.kinds import Kind
from likeness.models.weights.signatures import known_files
from likeness.models.weights.state_dict import flatten, identify
from likeness.tests.models.ip_adapter.small_files import (
    CHANNELS,
    CLIP,
    FACE,
    HEAD,
    NETWORKS,
    TOKENS,
    WIDTH,
    WITH_LORA,
    adapter_file,
    layers,
    lora_file,
    number_of_layers,
)
from safetensors.torch import save_file

KINDS = {  # kind, tokens, widths of picture and face
    "plain": (Kind.GLOBAL, TOKENS, CLIP, None),
    "full face": (Kind.FULL_FACE, 257, CLIP, None),
    "faceid": (Kind.FACEID, TOKENS, None, FACE),
    "portrait": (Kind.PORTRAIT, 16, None, FACE),
    "faceid plus": (Kind.FACEID_PLUS, TOKENS, CLIP, FACE),
    "plus": (Kind.PLUS, 16, CLIP, None),
    "portrait unnorm": (Kind.PORTRAIT_UNNORM, 16, None, FACE),
}


def load_small(source, **options):
    return load(source, **{"dim_head": HEAD, **options})


def as_published(file):
    return file


def as_flat(file):
    return flatten(file)


def as_trained(file):
    return {
        "image_proj_model": file["image_proj"],
        "adapter_modules": file["ip_adapter"],
        "unet": {"conv_in.weight": torch.zeros(1)},
    }


def as_trained_flat(file):
    return flatten(as_trained(file))


def as_wrapped(file):
    return {"state_dict": file}


@pytest.mark.parametrize("base", ["sd15", "sdxl"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_on_both_base_models(network, base):
    file = adapter_file(network, base)

    adapter = load_small(file)

    kind, tokens, picture, face = KINDS[network]
    assert (adapter.kind, adapter.tokens, adapter.image_width, adapter.face_width) == (kind, tokens, picture, face)
    assert (adapter.needs_clip, adapter.needs_face) == (picture is not None, face is not None)
    assert adapter.context_dim == WIDTH
    assert adapter.widths == dict.fromkeys(range(1, number_of_layers(base), 2), CHANNELS)
    assert adapter.is_v2 == (network == "faceid plus" and base == "sdxl")
    assert adapter.notes == (adapter.recognised.why,)
    for index in adapter.widths:
        for part in "kv":
            stored = adapter.attention.state_dict()[f"{index}.to_{part}.weight"]
            assert torch.equal(stored, file["ip_adapter"][f"{index}.to_{part}_ip.weight"])
    for key, tensor in adapter.projection.state_dict().items():
        assert torch.equal(tensor, file["image_proj"][key])
    if network in WITH_LORA:
        assert sorted(adapter.lora) == list(range(number_of_layers(base)))
        assert torch.equal(adapter.lora[2]["out"][1], file["ip_adapter"]["2.to_out_lora.up.weight"])
    else:
        assert adapter.lora is None


@pytest.mark.parametrize("layout", [as_published, as_flat, as_trained, as_trained_flat, as_wrapped])
@pytest.mark.parametrize("form", ["dict", "pickle", "safetensors"])
def test_every_layout_and_form(layout, form, tmp_path):
    file = layout(adapter_file("faceid plus"))
    path = tmp_path / "FaceID-PlusV2.anything"
    if form == "pickle":
        torch.save(file, path)
    elif form == "safetensors":
        save_file(flatten(file), path)

    adapter = load_small(file if form == "dict" else path)

    assert adapter.is_v2 == (form != "dict")
    expected = adapter_file("faceid plus")
    assert torch.equal(adapter.attention.state_dict()["31.to_v.weight"], expected["ip_adapter"]["31.to_v_ip.weight"])
    assert torch.equal(adapter.lora[31]["k"][0], expected["ip_adapter"]["31.to_k_lora.down.weight"])
    assert torch.equal(adapter.projection.norm.bias, expected["image_proj"]["norm.bias"])


def test_each_group_keeps_or_takes_its_own_type():
    file = adapter_file("faceid plus")
    mixed = {part: {key: tensor.half() for key, tensor in weights.items()} for part, weights in file.items()}
    mixed["image_proj"]["norm.weight"] = file["image_proj"]["norm.weight"]

    kept, cast = load_small(mixed), load_small(mixed, dtype=torch.bfloat16)

    for adapter, dtype in ((kept, torch.float16), (cast, torch.bfloat16)):
        assert {tensor.dtype for tensor in adapter.attention.state_dict().values()} == {dtype}
        assert {tensor.dtype for pair in adapter.lora[0].values() for tensor in pair} == {dtype}
        assert {tensor.dtype for tensor in adapter.projection.state_dict().values()} == {torch.float32}


def test_the_encoder_is_told_by_what_is_read_and_its_width():
    def encoder(network, key, width):
        file = adapter_file(network)
        weight = file["image_proj"][key]
        file["image_proj"][key] = torch.zeros(weight.shape[0], width)
        return load_small(file).encoder

    assert [encoder("plain", "proj.weight", width) for width in (1024, 1280, 10)] == ["ViT-H", "ViT-bigG", None]
    assert [encoder("plus", "proj_in.weight", width) for width in (1280, 1664, 1024)] == ["ViT-H", "ViT-bigG", None]
    assert load_small(adapter_file("faceid")).encoder is None


def test_heads_are_the_published_ones_where_they_fit():
    def heads(**options):
        return cast("Any", load(adapter_file("plus"), **options).projection).layers[0][0].heads

    assert heads(dim_head=None) == 1  # 16 wide
    assert heads(dim_head=HEAD) == 2
    with pytest.raises(UnknownCheckpointError, match="heads of 64 do not divide"):
        load(adapter_file("plus"))


def test_faceid_without_its_lora_says_so():
    for network in NETWORKS:
        adapter = load_small(adapter_file(network, lora=False))
        assert adapter.lacks_lora == (network in WITH_LORA)
        assert len(adapter.notes) == 1 + (network in WITH_LORA)
    assert "trained together with a LoRA, and there is none" in load_small(adapter_file("faceid", lora=False)).notes[1]


def test_a_separate_lora_is_taken():
    adapter = load_small(adapter_file("faceid", lora=False), lora=lora_file(alpha=4), dtype=torch.float16)
    assert not adapter.lacks_lora
    assert adapter.lora[0]["q"][0].dtype == torch.float16
    torch.testing.assert_close(
        adapter.lora[1]["k"][1].float(),
        layers("sd15", lora=True, seed=5)["1.to_k_lora.up.weight"] * 2,
        rtol=2e-3,
        atol=0,
    )
    assert len(adapter.notes) == 1


def test_the_same_lora_acts_once_and_another_one_is_refused():
    file = adapter_file("faceid plus")
    adapter = load_small(file, lora=lora_file(inside=file["ip_adapter"], alpha=7))
    assert torch.equal(adapter.lora[0]["q"][1], file["ip_adapter"]["0.to_q_lora.up.weight"])
    assert adapter.notes[1] == "The LoRA file holds what is in the adapter already; it acts once."
    with pytest.raises(InvalidSettingError, match="holds a LoRA, and the LoRA file is another one"):
        load_small(file, lora=lora_file())


@pytest.mark.parametrize("network", [network for network in NETWORKS if network not in WITH_LORA])
def test_a_lora_for_an_adapter_that_has_none_is_refused(network):
    with pytest.raises(InvalidSettingError, match="which has no LoRA"):
        load_small(adapter_file(network), lora=lora_file())


def test_a_lora_of_another_base_model_is_refused():
    with pytest.raises(UnknownCheckpointError, match=r"a LoRA for SDXL, and the adapter is one for SD1\.5"):
        load_small(adapter_file("faceid", lora=False), lora=lora_file("sdxl"))


def test_parts_of_two_base_models_are_refused():
    file = adapter_file("plain") | {"ip_adapter": layers("sd15", lora=False, width=768)}
    with pytest.raises(UnknownCheckpointError, match=r"tokens 16 wide, but its layers read tokens 768 wide \(SD1\.5\)"):
        load_small(file)


def test_the_version_overrules_the_name(tmp_path):
    path = tmp_path / "ip-adapter-faceid-plusv2_sd15.bin"
    torch.save(adapter_file("faceid plus"), path)
    assert load_small(path).is_v2
    assert not load_small(path, version="FaceID Plus").is_v2
    with pytest.raises(InvalidSettingError, match=r'plusv2_sd15\.bin" is no "Plus"'):
        load_small(path, version="Plus")


def test_instantids_file_is_refused_by_its_type():
    file = adapter_file("portrait unnorm")
    file["ip_adapter"] = {key: tensor.float() for key, tensor in file["ip_adapter"].items()}
    with pytest.raises(UnknownCheckpointError, match="may be InstantID's"):
        load_small(file)
    assert load_small(file, version="FaceID Portrait unnorm").kind is Kind.PORTRAIT_UNNORM


@pytest.mark.parametrize(
    ("file", "looks"),
    [
        (lora_file(), "a LoRA of attention layers alone"),
        ({"model.diffusion_model.a": torch.zeros(1)}, "a Stable Diffusion checkpoint"),
        ({"FacialEncoder.a": torch.zeros(1), "adapter_modules.1.a": torch.zeros(1)}, "a ConsistentID file"),
        ({"faceid_proj.latents": torch.zeros(1), "faceid_adapter.1.to_k_faceid.weight": torch.zeros(1)}, "UniPortrait"),
        ({"what": torch.zeros(1)}, "no adapter known here"),
    ],
)
def test_other_files_are_told_by_name(file, looks):
    with pytest.raises(UnknownCheckpointError, match=f"not an IP-Adapter file.*{looks}.*Choose an IP-Adapter file"):
        load_small(file)


@pytest.mark.parametrize("network", NETWORKS)
def test_faults_are_named(network):
    def without(key):
        file = adapter_file(network)
        file["ip_adapter"] = {name: tensor for name, tensor in file["ip_adapter"].items() if name != key}
        return file

    faults = {"missing .*1[.]to_v_ip": without("1.to_v_ip.weight")}
    faults["unexpected .*2[.]to_k_ip"] = adapter_file(network)
    faults["unexpected .*2[.]to_k_ip"]["ip_adapter"]["2.to_k_ip.weight"] = torch.zeros(CHANNELS, WIDTH)
    faults["another shape .*1[.]to_v_ip"] = adapter_file(network)
    faults["another shape .*1[.]to_v_ip"]["ip_adapter"]["1.to_v_ip.weight"] = torch.zeros(CHANNELS + 1, WIDTH)
    faults["unexpected .*stranger"] = adapter_file(network) | {"stranger": {"a": torch.zeros(1)}}
    if network in WITH_LORA:
        faults["missing .*4[.]to_out_lora[.]down"] = without("4.to_out_lora.down.weight")
    for message, file in faults.items():
        with pytest.raises(LikenessError, match=message):
            load_small(file)


def test_published_widths_must_have_all_their_layers():
    file = adapter_file("plain")
    file["image_proj"] = {"proj.weight": torch.zeros(4 * 768, CLIP), "proj.bias": torch.zeros(4 * 768)}
    file["image_proj"] |= {"norm.weight": torch.zeros(768), "norm.bias": torch.zeros(768)}
    whole = layers("sd15", lora=False, width=768)
    assert len(load_small(file | {"ip_adapter": whole}).widths) == 16
    cut = {key: tensor for key, tensor in whole.items() if int(key.split(".")[0]) < 30}
    with pytest.raises(UnknownCheckpointError, match=r"2 missing .*31\.to_k_ip"):
        load_small(file | {"ip_adapter": cut})


def test_all_kinds_are_known_to_all_loaders():
    found = {identify(flatten(adapter_file(network)), known_files()).kind for network in NETWORKS}
    assert len(found) == 5
