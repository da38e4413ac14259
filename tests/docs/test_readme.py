"""README's table of files is the one that workflows are written from."""

from pathlib import Path

import likeness
from likeness.tools.weights.known_files import KNOWN_FILES, markdown_table


def test_the_files_are_those_of_the_one_table():
    text = (Path(likeness.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert markdown_table(KNOWN_FILES) in text, "write it anew with markdown_table(KNOWN_FILES)"
