from __future__ import annotations

import json

import pytest
import torch
from likeness.models.errors import InvalidSettingError, MissingModelFileError, UnknownCheckpointError
from likeness.models.omniportrait.checkpoint import (
    BaseFile,
    adapter_metadata,
    adapter_weights,
    load,
    load_image_encoder,
)
from likeness.tests.models.omniportrait.small_adapter import (
    CONFIG,
    flat,
    small_encoder,
    small_pivot,
    write_adapter,
)
from safetensors.torch import save_file

CROPS = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(3))
CHANGED = ("proj", "transformer.resblocks.1.mlp.c_fc.weight")
TEXT_TOWER = {"token_embedding.weight": torch.zeros(3, 2), "logit_scale": torch.zeros(())}


def test_a_file_gives_the_networks_it_was_written_from(tmp_path):
    adapter = load(write_adapter(tmp_path / "a.safetensors"))
    assert (adapter.context_dim, adapter.config) == (12, CONFIG)
    assert torch.equal(adapter.image_encoder(CROPS), small_encoder()(CROPS))
    rows = torch.ones(2, 12)
    assert torch.equal(adapter.pivot(rows, torch.ones(2, 6)), small_pivot()(rows, torch.ones(2, 6)))
    assert not any(
        tensor.requires_grad for part in (adapter.pivot, adapter.image_encoder) for tensor in part.parameters()
    )
    assert not adapter.image_encoder.training


def test_the_image_encoder_takes_the_type_that_was_asked_for(tmp_path):
    adapter = load(write_adapter(tmp_path / "a.safetensors"), dtype=torch.float16)
    assert {tensor.dtype for tensor in adapter.image_encoder.parameters()} == {torch.float16}
    assert {tensor.dtype for tensor in adapter.pivot.parameters()} == {torch.float32}


def base_files(folder, encoder):
    """The same tower as every form that open_clip's files have."""
    bare = encoder.visual.state_dict()
    tower = {f"visual.{key}": tensor for key, tensor in bare.items()} | TEXT_TOWER
    save_file(tower, folder / "a.safetensors")
    save_file(bare, folder / "b.safetensors")
    torch.save(tower, folder / "c.bin")
    torch.save({"state_dict": tower}, folder / "d.bin")
    return [folder / name for name in ("a.safetensors", "b.safetensors", "c.bin", "d.bin")]


def test_an_adapter_of_changed_tensors_takes_the_others_from_its_base(tmp_path):
    first, trained = small_encoder(seed=0), small_encoder(seed=0)
    for key in CHANGED:
        torch.nn.init.normal_(trained.visual.get_parameter(key))
    for number, base in enumerate(base_files(tmp_path, first)):
        path = write_adapter(
            tmp_path / f"adapter{number}.safetensors", encoder=trained, changed=CHANGED, base=BaseFile.at(base)
        )
        adapter = load(path, base)
        assert torch.equal(adapter.image_encoder(CROPS), trained(CROPS))
        assert not torch.equal(adapter.image_encoder(CROPS), first(CROPS))
        assert torch.equal(load_image_encoder(base, CONFIG)(CROPS), first(CROPS))


def test_a_whole_adapter_does_not_look_at_the_base(tmp_path):
    path = write_adapter(tmp_path / "a.safetensors", base=BaseFile("b.safetensors", "0" * 64))
    assert torch.equal(load(path, tmp_path / "not there").image_encoder(CROPS), small_encoder()(CROPS))


def test_a_missing_or_another_base_is_refused(tmp_path):
    files = base_files(tmp_path, small_encoder())
    base = BaseFile.at(files[0])
    path = write_adapter(tmp_path / "adapter.safetensors", changed=CHANGED, base=base)
    with pytest.raises(
        UnknownCheckpointError, match=rf'2 of the .* "a\.safetensors" \(sha256 {base.sha256[:12]}.* as base'
    ):
        load(path)
    with pytest.raises(UnknownCheckpointError, match=r'"a\.safetensors" \(sha256 .*"b\.safetensors" has sha256'):
        load(path, files[1])
    with pytest.raises(MissingModelFileError):
        load(path, tmp_path / "not there")
    unhashed = write_adapter(
        tmp_path / "unhashed.safetensors",
        changed=CHANGED,
        metadata={**adapter_metadata(CONFIG), "visual_base": "a.safetensors"},
    )
    with pytest.raises(UnknownCheckpointError, match=r'no hash of "a\.safetensors".*visual_base_sha256'):
        load(unhashed, files[0])


def test_a_base_in_another_layout_is_refused_even_with_the_right_hash(tmp_path):
    save_file({"vision_model.embeddings.class_embedding": torch.zeros(16)}, tmp_path / "base.safetensors")
    base = BaseFile.at(tmp_path / "base.safetensors")
    path = write_adapter(tmp_path / "adapter.safetensors", changed=CHANGED, base=base)
    with pytest.raises(
        UnknownCheckpointError, match=r'"base\.safetensors" is no CLIP model of open_clip.*vision_model'
    ):
        load(path, tmp_path / "base.safetensors")


@pytest.mark.parametrize("field", ["activation", "mean", "std"])
def test_what_the_metadata_do_not_say_is_never_guessed(tmp_path, field):
    details = CONFIG.details()
    del details[field]
    path = write_adapter(tmp_path / "a.safetensors", metadata={"image_encoder": json.dumps(details)})
    with pytest.raises(UnknownCheckpointError, match=f'"a.safetensors" does not say {field} of its image encoder'):
        load(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "likeness/1"}, "does not say activation, mean, std of its image encoder"),
        ({"image_encoder": "{"}, "no JSON object"),
        ({"image_encoder": "[1]"}, "no JSON object"),
        ({"image_encoder": json.dumps({**CONFIG.details(), "mean": None})}, "do not fit: mean of the image encoder"),
        ({"image_encoder": json.dumps({**CONFIG.details(), "embed_dim": 7})}, "6 wide, but .* gives 7"),
        (
            {"image_encoder": json.dumps({**CONFIG.details(), "vision": {**CONFIG.vision, "patch_size": 4}})},
            "of another shape .*visual.conv1.weight is",
        ),
    ],
)
def test_metadata_that_do_not_describe_the_encoder_are_refused(tmp_path, metadata, message):
    with pytest.raises(UnknownCheckpointError, match=message):
        load(write_adapter(tmp_path / "a.safetensors", metadata=metadata))


def test_a_pickle_has_no_metadata_and_is_refused(tmp_path):
    torch.save(flat(adapter_weights(small_pivot(), small_encoder())), tmp_path / "a.bin")
    with pytest.raises(UnknownCheckpointError, match="does not say activation, mean, std"):
        load(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("taken", "added", "message"),
    [
        ("visual.proj", None, r"1 missing \(visual\.proj\)"),
        (None, "visual.other", r"1 unexpected \(visual\.other\)"),
        (None, "other.weight", r"1 unexpected \(other\.weight\)"),
        ("fusion.bias", None, r"is not an OmniPortrait file"),
    ],
)
def test_missing_and_unknown_keys_are_named(tmp_path, taken, added, message):
    weights = flat(adapter_weights(small_pivot(), small_encoder()))
    weights = {key: tensor for key, tensor in weights.items() if key != taken}
    if added:
        weights[added] = torch.zeros(1)
    save_file(weights, tmp_path / "a.safetensors", adapter_metadata(CONFIG))
    with pytest.raises(UnknownCheckpointError, match=message):
        load(tmp_path / "a.safetensors")


def test_only_keys_of_the_encoder_can_be_stored():
    assert adapter_weights(small_pivot(), small_encoder(), changed=CHANGED)["visual"].keys() == set(CHANGED)
    with pytest.raises(InvalidSettingError, match=r"has no visual\.proj"):
        adapter_weights(small_pivot(), small_encoder(), changed=["visual.proj"])


@pytest.mark.parametrize(("text", "size"), [(768, 1_180_416), (2048, 5_769_216)])
def test_the_fusion_has_the_published_size(text, size):
    fusion = adapter_weights(small_pivot(text, 768), small_encoder())["fusion"]
    assert sum(tensor.numel() for tensor in fusion.values()) == size
