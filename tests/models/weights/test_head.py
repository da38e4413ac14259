"""The first look at a file says what is wrong with the file itself."""

from __future__ import annotations

import os

import pytest
from likeness.models.errors import CorruptModelFileError, MissingModelFileError, UnknownCheckpointError
from likeness.models.weights.head import hash_of, mapped, read_head, sha256, told, weights_format


@pytest.mark.parametrize("read", [read_head, sha256, weights_format])
def test_what_is_no_file_does_not_exist(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("nothing", "pipe", "loop", "."):
        with pytest.raises((MissingModelFileError, CorruptModelFileError), match=r"does not exist|cannot be read"):
            read(tmp_path / name)
    with pytest.raises(CorruptModelFileError, match=r"cannot be read .File name too long"):
        read(tmp_path / ("x" * 5000))


def test_the_systems_errors_are_told_and_our_own_pass(tmp_path):
    for error in (PermissionError(13, "Permission denied"), OSError(5, "Input/output error")):
        with (
            pytest.raises(CorruptModelFileError, match=f'"a" cannot be read .{error.strerror}.; let this'),
            told(tmp_path / "a"),
        ):
            raise error
    with pytest.raises(MissingModelFileError, match="ours"), told(tmp_path / "a"):
        raise MissingModelFileError("ours")


def test_a_header_longer_than_the_format_allows_is_no_safetensors_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes((10**9).to_bytes(8, "little") + b"{" + b"\xff" * 20)
    with pytest.raises(UnknownCheckpointError, match="neither a safetensors file nor"):
        weights_format(path)


def test_bytes_are_those_of_the_file(tmp_path):
    (tmp_path / "a").write_bytes(b"\x80abc")
    assert mapped(tmp_path / "a").tobytes() == b"\x80abc"
    assert hash_of(tmp_path / "a") == sha256(tmp_path / "a")
