"""The command that writes the page's words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from likeness.tests.tools.locales.test_labels import LABELS, NODE, SENTENCES
from likeness.tools.locales.labels import Words
from likeness.tools.locales.write import write_text

DEFINITIONS = {"LikenessAddPerson": NODE, "KSampler": {"display_name": "KSampler"}}


def test_a_file_for_each_language_with_our_nodes_alone():
    files = write_text(DEFINITIONS, Words(LABELS, SENTENCES))
    assert set(files) == {Path("en", "nodeDefs.json"), Path("zh", "nodeDefs.json")}
    for text in files.values():
        assert list(json.loads(text)) == ["LikenessAddPerson"]


def test_words_that_are_missing_are_named_together():
    with pytest.raises(KeyError, match=r"Which face") as caught:
        write_text(DEFINITIONS, Words({}, {}))
    assert "LikenessAddPerson < face" in str(caught.value)
