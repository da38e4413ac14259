"""The table of published files."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from likeness.tools.weights.known_files import FACEID, IMAGE_ENCODER, KNOWN_FILES, YUNET, markdown_table


@pytest.mark.parametrize("file", KNOWN_FILES, ids=lambda file: file.name)
def test_a_download_is_a_file_of_the_same_kind_on_the_one_host_that_comfyui_trusts(file):
    if file.url is None:
        assert urlsplit(file.page).hostname != "huggingface.co"
        return
    address = urlsplit(file.url)
    assert (address.scheme, address.hostname) == ("https", "huggingface.co")
    assert re.fullmatch(r"/[\w-]+/[\w.-]+/resolve/main/[\w./-]+", address.path)
    assert address.path.rpartition(".")[2] == file.name.rpartition(".")[2]


def test_no_two_files_share_a_place():
    places = [(file.folder, file.name) for file in KNOWN_FILES]
    assert len(set(places)) == len(places)


def test_the_table_has_a_row_per_file_that_links_the_file_or_else_its_page():
    head, line, first, second, third = markdown_table([FACEID, IMAGE_ENCODER, YUNET]).splitlines()
    assert head.count("|") == line.count("|") == first.count("|") == 5
    assert f"[{FACEID.name}]({FACEID.url}) | `uniportrait` | 224 MB | Apache-2.0 |" in first
    assert "/resolve/main/models/image_encoder/model.safetensors) | `clip_vision` |" in second
    assert f"]({YUNET.page})" in third
