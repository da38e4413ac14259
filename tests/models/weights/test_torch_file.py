"""Files of torch.save are looked through before torch unpacks them."""

from __future__ import annotations

import zipfile

import pytest
import torch
from likeness.models.errors import CorruptModelFileError, LikenessError, UnknownCheckpointError
from likeness.models.weights.torch_file import read_pickle, read_zip

WEIGHTS = {"a": torch.arange(4000.0), "b": {"c": torch.ones(3)}}


def saved(path, content=WEIGHTS, **settings):
    torch.save(content, path, **settings)
    return path


def rewritten(path, compression=zipfile.ZIP_STORED, **parts):
    """The archive again with some parts replaced, checksums that fit included."""
    with zipfile.ZipFile(path) as old:
        held = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", compression) as new:
        for name, content in held.items():
            new.writestr(name, parts.get(name.rpartition("/")[2].replace(".", "_"), content))
    return path


def test_the_tensors_and_what_is_around_them(tmp_path):
    read = read_zip(saved(tmp_path / "a"))
    assert torch.equal(read["a"], WEIGHTS["a"])
    assert read_zip(tmp_path / "a", "meta")["b"]["c"].is_meta
    old = read_pickle(saved(tmp_path / "b", _use_new_zipfile_serialization=False))
    assert torch.equal(old["b"]["c"], torch.ones(3))


def test_every_flipped_bit_of_a_zip_is_told(tmp_path):
    whole = saved(tmp_path / "whole").read_bytes()
    start = whole.index(torch.arange(4000.0).numpy().tobytes()[:64])
    for place in (start, start + 7000, start + 15_999):
        content = bytearray(whole)
        content[place] ^= 4
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(CorruptModelFileError, match=r"\"a\" is truncated or damaged \(the checksum of its part"):
            read_zip(tmp_path / "a")


def test_a_packed_zip_is_refused_before_it_is_unpacked(tmp_path):
    path = rewritten(saved(tmp_path / "a", {"a": torch.zeros(1_000_000)}), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(UnknownCheckpointError, match="packed zip"):
        read_zip(path)


def test_endless_containers_are_refused_unread(tmp_path):
    for letter in (b"]", b"}", b")", b"\x8f", b"("):
        path = rewritten(saved(tmp_path / "a"), data_pkl=b"\x80\x02" + letter * 600_000 + b".")
        with pytest.raises(UnknownCheckpointError, match="500,001 lists and dicts"):
            read_zip(path)


def test_endless_containers_of_the_old_format_are_refused_unread(tmp_path):
    whole = saved(tmp_path / "old", _use_new_zipfile_serialization=False).read_bytes()
    magic = whole[: whole.index(b".") + 1]
    for content, reason in (
        (b"\x80\x02" + b"]" * 600_000 + b".", "does not begin as torch.save does"),
        (magic + b"\x80\x02" + b"\x8f" * 600_000 + b".", "500,001 lists and dicts"),
        (magic, "pickle exhausted"),
    ):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(LikenessError, match=reason):
            read_pickle(tmp_path / "a")


def test_an_endless_table_of_contents_is_refused_unread(tmp_path):
    path = tmp_path / "a"
    with zipfile.ZipFile(saved(path), "a") as archive:
        for number in range(60_000):
            archive.writestr(f"{number:0250d}", b"")
    with pytest.raises(UnknownCheckpointError, match="table of contents of 1"):
        read_zip(path)


def test_a_record_shorter_than_its_tensor_is_refused(tmp_path):
    path = rewritten(saved(tmp_path / "a"), **{"0": b"\0" * 160})
    with pytest.raises(LikenessError):
        read_zip(path)


NASTY = {
    "nothing": b"",
    "no end": b"\x80\x02]",
    "an empty stack": b"\x80\x02a.",
    "an unknown memo": b"\x80\x02h\x07.",
    "an attribute": b"\x80\x02}q\x00K\x01K\x02b.",
    "a module": b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00idq\x00\x85R.",
    "a storage that is none": b"\x80\x02X\x01\x00\x00\x00aQ.",
    "a tuple": b"\x80\x02K\x01\x85.",
    "a rebuilt nothing": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
    "an endless number": b"\x80\x02\x8a\xff" + b"\xff" * 255 + b".",
}


@pytest.mark.parametrize("what", NASTY)
@pytest.mark.parametrize("new", [True, False])
def test_whatever_the_unpickler_raises_is_one_sentence(tmp_path, what, new):
    path = tmp_path / "a"
    if new:
        rewritten(saved(path), data_pkl=NASTY[what])
    else:
        path.write_bytes(NASTY[what])
    with pytest.raises(LikenessError) as refused:
        (read_zip if new else read_pickle)(path)
    assert "\n" not in str(refused.value)
    assert '"a"' in str(refused.value)


def test_a_script_is_named(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "a")
    with pytest.raises(UnknownCheckpointError, match="TorchScript program"):
        read_zip(tmp_path / "a")
