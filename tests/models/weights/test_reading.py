"""Weights are read whole or refused, and a file of another kind gets a name."""

import hashlib
import io
import pickle
import zipfile

import pytest
import torch
from likeness.models.errors import CorruptModelFileError, MissingModelFileError, UnknownCheckpointError
from likeness.models.weights.head import sha256, weights_format
from likeness.models.weights.reading import read_flat, read_metadata, read_state_dict, read_weights
from likeness.models.weights.state_dict import flatten
from safetensors.torch import save_file

NESTED = {"faceid_proj": {"latents": torch.arange(6.0)}, "faceid_adapter": {"0.weight": torch.ones(2, 3)}}


def saved(path, content, **settings):
    torch.save(content, path, **settings)
    return path


@pytest.mark.parametrize("name", ["a.bin", "a.safetensors", "no extension"])
@pytest.mark.parametrize("new", [True, False])
def test_nested_pickles_come_back_whatever_their_name(tmp_path, name, new):
    path = saved(tmp_path / name, NESTED, _use_new_zipfile_serialization=new)
    read = read_state_dict(path)
    assert weights_format(path) == ("zip" if new else "pickle")
    assert torch.equal(read["faceid_proj"]["latents"], torch.arange(6.0))
    assert torch.equal(read["faceid_adapter"]["0.weight"], torch.ones(2, 3))


def test_safetensors_come_back_flat_whatever_their_name(tmp_path):
    path = tmp_path / "a.bin"
    save_file({"faceid_proj.latents": torch.arange(6.0)}, path, metadata={"made": "here"})
    assert torch.equal(read_state_dict(str(path))["faceid_proj.latents"], torch.arange(6.0))


def test_metadata_of_safetensors(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "noted", {"trained": "here", "steps": "7"})
    save_file({"a": torch.ones(2)}, tmp_path / "silent")

    assert read_metadata(tmp_path / "noted") == {"trained": "here", "steps": "7"}
    assert read_metadata(str(tmp_path / "silent")) == {}
    assert read_metadata(saved(tmp_path / "a.bin", NESTED)) == {}
    with pytest.raises(MissingModelFileError):
        read_metadata(tmp_path / "nothing")


def test_missing(tmp_path):
    with pytest.raises(MissingModelFileError, match=r'"gone\.bin" does not exist in'):
        read_state_dict(tmp_path / "gone.bin")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n  <!DOCTYPE html><html><body>Not found</body></html>", r"web page \(HTML\)"),
        (b"\xef\xbb\xbf<html lang='en'>\xc3\xa9", "web page"),
        (b"<?xml version='1.0'?><Error/>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "git-lfs pointer"),
        (b"Entry not found", 'is text, not weights .it begins "Entry not found"'),
        (b'{"error":"Invalid credentials"}', "is text"),
        (b"   \n", "is text"),
    ],
)
def test_text_instead_of_weights(tmp_path, content, message):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(CorruptModelFileError, match=message):
        read_state_dict(path)


def test_every_truncation_of_safetensors_is_told(tmp_path):
    save_file({"a": torch.ones(40)}, whole := tmp_path / "whole.safetensors")
    content = whole.read_bytes()
    for length in (20, len(content) - 161, len(content) - 100, len(content) - 1):
        (tmp_path / "cut.safetensors").write_bytes(content[:length])
        with pytest.raises(CorruptModelFileError, match="truncated or damaged"):
            read_state_dict(tmp_path / "cut.safetensors")


@pytest.mark.parametrize("new", [True, False])
def test_every_truncation_of_a_pickle_is_told(tmp_path, new):
    whole = saved(tmp_path / "whole.bin", {"a": torch.ones(4000)}, _use_new_zipfile_serialization=new).read_bytes()
    for share in (0.05, 0.5, 0.99):
        (tmp_path / "cut.bin").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(CorruptModelFileError, match=r'"cut.bin" is truncated or damaged'):
            read_state_dict(tmp_path / "cut.bin")


def test_a_damaged_safetensors_header_is_told(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes((40).to_bytes(8, "little") + b'{"a": {"data_offsets": "x"' + b" " * 14)
    with pytest.raises(CorruptModelFileError, match="header that cannot be read"):
        read_state_dict(path)


def test_a_zip_that_is_no_checkpoint(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.bin", "w") as archive:
        archive.writestr("readme", "hello")
    with pytest.raises(CorruptModelFileError, match=r'"a\.bin"'):
        read_state_dict(tmp_path / "a.bin")


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(600), b"\xff" * 8 + b"{" + bytes(20)])
def test_other_formats_are_named(tmp_path, content):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(UnknownCheckpointError, match=r"neither a safetensors file nor one written by torch\.save"):
        read_state_dict(tmp_path / "a.bin")


class Payload:
    ran = False

    def __reduce__(self):
        return setattr, (Payload, "ran", True)


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path):
    path = saved(tmp_path / "a.bin", {"a": Payload()})
    with pytest.raises(UnknownCheckpointError, match="could run code"):
        read_state_dict(path)
    assert not Payload.ran
    buffer = io.BytesIO()
    pickle.dump({"a": Payload()}, buffer, protocol=2)
    path.write_bytes(buffer.getvalue())
    with pytest.raises((UnknownCheckpointError, CorruptModelFileError)):
        read_state_dict(path)
    assert not Payload.ran


def test_a_tensor_alone_is_no_state_dict(tmp_path):
    with pytest.raises(UnknownCheckpointError, match="holds a Tensor instead of a dict"):
        read_state_dict(saved(tmp_path / "a.bin", torch.ones(3)))


def test_the_hash_of_a_file_longer_than_a_block(tmp_path):
    content = b"\x80" + bytes(range(256)) * 20_000  # 5.1 MB
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
    with pytest.raises(MissingModelFileError):
        sha256(tmp_path / "nothing")


ROUTER = {"faceid_adapter": {"1.to_q_router.0.weight": torch.ones(2, 3)}}
FACEID = {"faceid_proj": {"latents": torch.ones(1)}, "faceid_adapter": {"1.to_k_faceid.weight": torch.ones(2, 3)}}


def test_a_dict_and_a_file_give_the_same_flat_weights(tmp_path):
    torch.save(ROUTER, tmp_path / "router.bin")
    given, name = read_weights(ROUTER, "router")
    read, file = read_weights(tmp_path / "router.bin", "router")
    assert list(given) == list(read) == ["faceid_adapter.1.to_q_router.0.weight"]
    assert torch.equal(*(each["faceid_adapter.1.to_q_router.0.weight"] for each in (given, read)))
    assert (name, file) == ("The given weights", '"router.bin"')


def test_a_file_of_another_kind_is_named_with_both_places(tmp_path):
    torch.save(FACEID, tmp_path / "a.bin")
    with pytest.raises(UnknownCheckpointError) as refused:
        read_weights(tmp_path / "a.bin", "router")
    assert str(refused.value) == (
        '"a.bin" is not a UniPortrait router file: it holds 2 keys beginning "faceid_proj.latents", "faceid_adapter.1" and '
        'looks like a UniPortrait faceid file, which belongs in "faceid" of Load UniPortrait. Choose a UniPortrait router '
        'file in "router" of Load UniPortrait.'
    )


def test_one_of_several_kinds_is_as_welcome():
    for weights in (ROUTER, FACEID):
        assert read_weights(weights, "router", "faceid", called="any file")[0].keys() == flatten(weights).keys()
    with pytest.raises(
        UnknownCheckpointError, match=r'not any file: .* Choose any file in "router" of Load UniPortrait'
    ):
        read_weights({"strange": torch.ones(1)}, "router", "faceid", called="any file")


@pytest.mark.parametrize(
    ("weights", "looks"),
    [
        ({"lora_unet_a": torch.ones(1)}, "looks like a LoRA. Choose"),
        ({"strange": torch.ones(1)}, "looks like no adapter known here. Choose"),
        ({}, "no tensors"),
    ],
)
def test_what_belongs_nowhere_is_named_too(weights, looks):
    with pytest.raises(UnknownCheckpointError, match=looks):
        read_weights(weights, "faceid")


def test_anything_can_be_read_flat_but_has_to_be_there(tmp_path):
    weights, _ = read_flat({"state_dict": {"a": {"b": torch.ones(1)}}, "epoch": 3})
    assert list(weights) == ["a.b"]
    with pytest.raises(MissingModelFileError):
        read_flat(tmp_path / "gone.bin")
