"""Where the miniature's weights lie: all of them are there, small enough for a repository, and say whose they are."""

from __future__ import annotations

from likeness.models.miniature.files import (
    BASE,
    CONSISTENTID,
    FACES,
    FACESTUDIO,
    IP_ADAPTER,
    JUDGE,
    OMNIPORTRAIT,
    PRIOR,
    STYLE_ADAPTER,
    STYLED_READERS,
    UNIPORTRAIT,
    WEIGHTS,
)
from likeness.models.weights.reading import read_metadata


def test_every_file_is_named_once_and_no_other_lies_there():
    assert sorted(WEIGHTS.glob("*")) == sorted(
        [
            *(BASE, CONSISTENTID, FACES, FACESTUDIO, IP_ADAPTER, JUDGE, OMNIPORTRAIT),
            *(PRIOR, STYLE_ADAPTER, STYLED_READERS, UNIPORTRAIT),
        ]
    )


def test_files_are_small_and_say_where_they_come_from():
    files = list(WEIGHTS.glob("*.safetensors"))
    assert 0 < sum(file.stat().st_size for file in files) < 28 * 2**20
    for file in files:
        metadata = read_metadata(file)
        assert (metadata["licence"], metadata["made_by"]) == ("Apache-2.0", "likeness.miniature.recipe")
