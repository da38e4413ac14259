"""Addresses of published files."""

from __future__ import annotations

import pytest
from likeness.models.weights.known_file import HOST, KnownFile


def known(**values) -> KnownFile:
    told = {
        "name": "a.bin",
        "folder": "b",
        "page": "https://x",
        "what": "c",
        "size": "1 MB",
        "licence": "d",
        "commercial": "no",
    }
    return KnownFile(**(told | values))


def test_a_file_on_the_hub_has_an_address_and_a_repository():
    file = known(page=f"{HOST}owner/name", path="sub/a.bin")
    assert file.url == f"{HOST}owner/name/resolve/main/sub/a.bin"
    assert file.repository == "owner/name"


@pytest.mark.parametrize("page", ["https://github.com/a/b", f"{HOST}owner/name"])
def test_without_a_path_there_is_only_a_page(page):
    file = known(page=page)
    assert file.url is None
    assert file.repository == ""
