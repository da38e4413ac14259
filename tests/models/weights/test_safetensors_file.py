"""A header is looked at, and bounded, before anything is allocated."""

from __future__ import annotations

import json

import pytest
import torch
from likeness.models.errors import CorruptModelFileError, UnknownCheckpointError
from likeness.models.weights.safetensors_file import MOST_HEADER, MOST_KEYS, read_header, read_tensors
from safetensors.torch import save_file


def written(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_shapes_notes_and_tensors(tmp_path):
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(0), "c": torch.tensor(3, dtype=torch.int64)}
    save_file(tensors, tmp_path / "a", {"made": "here"})
    assert read_header(tmp_path / "a") == ({"a": (2, 3), "b": (0,), "c": ()}, {"made": "here"})
    read = read_tensors(tmp_path / "a")
    assert all(torch.equal(read[key], tensor) for key, tensor in tensors.items())
    assert not read["a"].is_inference()


@pytest.mark.parametrize(
    "header",
    [
        {"a": entry(shape=(3,))},
        {"a": entry(shape=(-1, -2))},
        {"a": entry(shape=(2.0,))},
        {"a": entry(shape=(True, 2))},
        {"a": entry(shape=(2**70, 0, 1), offsets=(0, 8))},
        {"a": entry(offsets=(8, 0))},
        {"a": entry(dtype="F4")},
        {"a": entry(dtype=["F32"])},
        {"a": {"dtype": "F32"}},
        {"a": 5},
        {"a": entry(), "__metadata__": []},
        {"a": entry(), "__metadata__": 3},
        b'{"a": ' + b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"{\xff}",
        b"{",
    ],
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path, header):
    path = written(tmp_path / "a", header, bytes(8))
    for read in (read_header, read_tensors):
        with pytest.raises(CorruptModelFileError, match=r'"a" has a safetensors header that cannot be read') as refused:
            read(path)
        assert "\n" not in str(refused.value)


def test_more_keys_than_weights_have_are_refused_before_they_are_read(tmp_path):
    keys = {f"k{number}": entry(shape=(0,), offsets=(0, 0)) for number in range(MOST_KEYS + 1)}
    with pytest.raises(UnknownCheckpointError, match=r"100,001 keys, and weights have at most|more than 100,000 keys"):
        read_header(written(tmp_path / "a", keys))


@pytest.mark.parametrize("text", [b"[]," * 1_000_000, b"{}," * 1_000_000, b'"a":1,' * 1_000_000])
def test_headers_of_brackets_alone_are_refused(tmp_path, text):
    with pytest.raises(UnknownCheckpointError, match="more than 100,000 keys"):
        read_header(written(tmp_path / "a", b'{"a": [' + text + b"1]}"))


def test_a_long_header_is_refused_unread(tmp_path):
    path = tmp_path / "a"
    with path.open("wb") as stream:
        stream.write((MOST_HEADER + 1).to_bytes(8, "little") + b"{")
        stream.truncate(MOST_HEADER + 9)
    with pytest.raises(UnknownCheckpointError, match="header of 10,000,001 bytes, and weights have at most 10,000,000"):
        read_header(path)


def test_what_safetensors_itself_refuses_is_one_sentence(tmp_path):
    overlapping = {"a": entry(), "b": entry(offsets=(4, 12))}
    with pytest.raises(CorruptModelFileError, match=r'"a" cannot be read'):
        read_tensors(written(tmp_path / "a", overlapping, bytes(12)))
