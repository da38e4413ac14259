"""Every method says what it needs, and what is published is found by its name alone."""

from __future__ import annotations

import re
from typing import get_args
from urllib.parse import urlsplit

import pytest
from likeness.models.doctor.catalogue import (
    EVERYTHING,
    all_needs,
    choices,
    find_known,
    folder_names,
    known_files,
    needs_for,
    wants_of,
)
from likeness.models.errors import InvalidSettingError
from likeness.models.methods import METHODS, wings
from likeness.models.weights.onnx_graph import Role
from likeness.models.weights.signatures import known_files as signatures
from likeness.tools.weights.known_files import KNOWN_FILES


def test_every_method_states_its_needs():
    assert len(wings("likeness.models", "needs")) == len(METHODS)


def test_names_are_distinct_and_can_be_asked_for():
    names = [needs.name for needs in all_needs()]
    assert choices() == [EVERYTHING, *names]
    assert len(set(names)) == len(names)
    assert all(needs_for(needs.name) == (needs,) for needs in all_needs())
    assert needs_for(EVERYTHING) == all_needs()
    assert [needs.name for needs in needs_for("ip-adapter")] == ["IP-Adapter - faces", "IP-Adapter - pictures"]


@pytest.mark.parametrize("choice", ["", "nobody's", "Uni Portrait"])
def test_an_unknown_method_is_one_sentence_with_the_known_ones(choice):
    with pytest.raises(InvalidSettingError, match=r"choose one of: everything, UniPortrait, "):
        needs_for(choice)


def test_all_kinds_are_known_ones():
    known = {signature.kind for signature in signatures()} | set(get_args(Role))
    assert {kind for want in wants_of(all_needs()) for kind in want.kinds} <= known


def test_purposes_are_distinct_and_those_that_are_referred_to_come_before():
    for needs in all_needs():
        purposes = [want.purpose for want in needs.wants]
        assert len(set(purposes)) == len(purposes), needs.name
        for place, want in enumerate(needs.wants):
            assert want.reads_for in ("", *purposes[:place]), (needs.name, want.purpose)


def test_published_files_lie_where_the_method_looks():
    for want in wants_of(all_needs()):
        assert {file.folder.split("/")[0] for file in want.published} <= set(want.folders), want.purpose


def test_the_readme_s_files_are_known_and_names_are_distinct():
    assert set(KNOWN_FILES) <= set(known_files())
    names = [file.name for file in known_files()]
    assert len(set(names)) == len(names)
    assert all(file.folder.split("/")[0] in folder_names() for file in known_files())


@pytest.mark.parametrize("file", known_files(), ids=lambda file: file.name)
def test_a_known_file_is_a_plain_name_with_an_address_and_a_hash_or_none(file):
    assert re.fullmatch(r"[\w-][\w.-]+\.(safetensors|bin|pth|onnx)", file.name)
    assert re.fullmatch(r"[a-z_]+(/[a-z_]+)*", file.folder)
    assert urlsplit(file.page).scheme == "https"
    assert re.fullmatch(r"[0-9a-f]{64}|", file.sha256)
    assert file.commercial in ("yes", "no", "unclear")
    assert bool(file.repository) == bool(file.url)
    assert ("non-commercial" in file.licence) == (file.commercial == "no")


def test_sizes_that_are_shown_and_exact_agree():
    units = {"MB": 1e6, "GB": 1e9}
    for file in known_files():
        if file.bytes:
            number, unit = file.size.split()
            shown = float(number) * units[unit]
            assert abs(file.bytes - shown) <= 0.02 * shown + 1e6, file.name


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "x", "", "uniportrait/x.bin", "a" * 10_000])
def test_only_names_of_the_table_are_found(name):
    with pytest.raises(InvalidSettingError, match="No published file") as caught:
        find_known(name)
    assert len(str(caught.value)) < 1000


def test_a_name_of_the_table_is_found():
    assert all(find_known(file.name) == file for file in known_files())
