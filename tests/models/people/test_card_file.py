"""Files that are no sound cards: each is refused with one sentence, and nothing else happens."""

from __future__ import annotations

import os

import pytest
from likeness.models.errors import CorruptModelFileError, LikenessError, MissingModelFileError, UnknownCheckpointError
from likeness.models.people import card_file
from likeness.models.people.card import read
from likeness.tests.models.people.hostile_cards import changed, packed, sound_card


def rename(header, new):
    header[new] = header.pop("encoding.00000.000")


HOSTILE = {
    "cut in the header": (lambda card: card[:200], "truncated"),
    "cut in a tensor": (lambda card: card[:-7], "truncated or damaged"),
    "empty": (lambda _: b"", "is empty"),
    "a web page": (lambda _: b"<!doctype html><html>", "web page"),
    "a pointer": (lambda _: b"version https://git-lfs.github.com/spec/v1", "git-lfs pointer"),
    "pickle": (lambda _: b"\x80\x04\x95" + bytes(90), "no safetensors file"),
    "a header that claims 2^60 bytes": (lambda card: (1 << 60).to_bytes(8, "little") + card[8:], "header is larger"),
    "a huge header": (lambda _: packed(b"{" + b" " * (8 << 20) + b"}"), "header is larger"),
    "a deep header": (lambda _: packed(b"{" + b'"a":[' * 100_000), "header that cannot be read"),
    "no JSON": (lambda _: packed(b"{nothing"), "header that cannot be read"),
    "no metadata": (lambda card: changed(card, lambda header: header.pop("__metadata__")), "not an identity card"),
    "metadata as a list": (lambda _: packed(b'{"__metadata__":[]}'), "header that cannot be read"),
    "doubles": (
        lambda card: changed(card, lambda header: header["encoding.00000.000"].update(dtype="F64")),
        "F32 and U8 only",
    ),
    "another type of the same size": (
        lambda card: changed(card, lambda header: header["encoding.00000.000"].update(dtype="I32")),
        "F32 and U8 only",
    ),
    "offsets outside of the file": (
        lambda card: changed(card, lambda header: header["encoding.00000.000"].update(data_offsets=[0, 1 << 50])),
        "truncated or damaged",
    ),
    "shape too large for its bytes": (
        lambda card: changed(card, lambda header: header["encoding.00000.000"].update(shape=[1 << 40])),
        "truncated or damaged",
    ),
    "a path as name": (
        lambda card: changed(card, lambda header: rename(header, "../../x")),
        "that no identity card has",
    ),
    "too many tensors": (
        lambda card: changed(card, lambda header: header.update({f"{n}": {"dtype": "F32"} for n in range(8193)})),
        "names 8,19",
    ),
    "NaN": (lambda card: card.replace(b"\x00\x00\x80\x3f" * 15, b"\x00\x00\xc0\x7f" * 15), "NaN or infinity"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_do_nothing_and_say_one_sentence(tmp_path, name):
    make, says = HOSTILE[name]
    path = tmp_path / "card.safetensors"
    path.write_bytes(make(sound_card(path)))
    with pytest.raises(LikenessError, match=says) as caught:
        read(path)
    assert isinstance(caught.value, CorruptModelFileError | UnknownCheckpointError)
    assert str(caught.value).count("\n") == 0
    assert len(str(caught.value)) < 400
    assert os.listdir(tmp_path) == ["card.safetensors"]


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "card.safetensors"
    sound_card(path)
    monkeypatch.setattr(card_file, "MOST_BYTES", 1000)
    monkeypatch.setattr(type(path), "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(UnknownCheckpointError, match="at most 1,000"):
        read(path)


def test_a_huge_header_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "card.safetensors"
    path.write_bytes(packed(b"{" + b" " * (8 << 20)))
    monkeypatch.setattr(type(path), "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(UnknownCheckpointError, match="header is larger"):
        read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingModelFileError, match="does not exist"):
        read(tmp_path / "nobody.safetensors")
