"""Files found by what is in them: auto, none, a name, and files that are no weights."""

from __future__ import annotations

import logging

import pytest
import torch
from likeness.models.errors import MissingModelFileError
from likeness.models.uniportrait.checkpoint import BACKBONE, FACEID, ROUTER

pytestmark = pytest.mark.comfy


@pytest.fixture
def choose():
    from likeness.host.files import choose_file

    return lambda choice, kind, fits=None: choose_file(choice, "uniportrait", kind, fits)


def test_auto_finds_each_kind_whatever_its_name(put, choose, uniportrait_files):
    backbone = put(uniportrait_files / "backbone.bin", "uniportrait/1.bin")
    router = put(uniportrait_files / "router.bin", "uniportrait/some/2.bin")
    faceid = put(uniportrait_files / "faceid.bin", "uniportrait/3.bin")
    assert [choose("auto", kind) for kind in (FACEID, ROUTER, BACKBONE)] == [faceid, router, backbone]


def test_none_is_nothing_and_auto_may_find_nothing(put, choose, uniportrait_files):
    put(uniportrait_files / "router.bin", "uniportrait/router.bin")
    assert choose("none", ROUTER) is None
    assert choose("auto", FACEID) is None


def test_of_several_that_fit_the_first_is_taken_and_the_others_are_named(put, choose, uniportrait_files, caplog):
    put(uniportrait_files / "faceid.bin", "uniportrait/b.bin")
    first = put(uniportrait_files / "faceid.bin", "uniportrait/a.bin")
    with caplog.at_level(logging.INFO):
        assert choose("auto", FACEID) == first
    assert "taking a.bin (there are others: b.bin)" in caplog.text


def test_a_file_of_the_kind_that_does_not_fit_is_passed_over(put, choose, uniportrait_files):
    put(uniportrait_files / "faceid.bin", "uniportrait/a.bin")
    assert choose("auto", FACEID, lambda shapes: False) is None
    key = "faceid_proj.latents"
    assert choose("auto", FACEID, lambda shapes: shapes[key].device.type == "meta") is not None


def test_a_name_is_taken_at_its_word(put, choose, uniportrait_files):
    """Whether it is the right file is said by whoever reads it."""
    router = put(uniportrait_files / "router.bin", "uniportrait/router.bin")
    assert choose("router.bin", FACEID, lambda shapes: False) == router
    with pytest.raises(MissingModelFileError, match=r'"faceid.bin" was not found .*There is: router.bin'):
        choose("faceid.bin", FACEID)


@pytest.mark.parametrize("name", ["a.bin", "a.safetensors", "a.pth"])
def test_a_file_that_cannot_be_read_is_said_once_and_passed_over(put, choose, folders, uniportrait_files, caplog, name):
    (folders / "uniportrait").mkdir()
    (folders / "uniportrait" / name).write_bytes(b"<!doctype html>")
    faceid = put(uniportrait_files / "faceid.bin", "uniportrait/z.bin")
    assert [choose("auto", FACEID) for _ in range(2)] == [faceid] * 2
    assert len([record for record in caplog.records if name in record.getMessage()]) == 1


def test_a_file_is_looked_at_again_when_it_changes(choose, folders, uniportrait_files):
    path = folders / "uniportrait" / "a.bin"
    path.parent.mkdir()
    torch.save({"lora_unet": torch.zeros(1)}, path)
    assert choose("auto", FACEID) is None
    path.write_bytes((uniportrait_files / "faceid.bin").read_bytes())
    assert choose("auto", FACEID) == path


def test_all_that_fit_are_given_by_name(put, choose, uniportrait_files):
    from likeness.host.files import fitting_files

    there = [put(uniportrait_files / "faceid.bin", f"uniportrait/{name}.bin") for name in "ab"]
    put(uniportrait_files / "router.bin", "uniportrait/c.bin")
    assert fitting_files("uniportrait", FACEID) == there
    assert fitting_files("uniportrait", FACEID, lambda shapes: False) == []
