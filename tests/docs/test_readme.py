"""The tables of files in README and docs/models.md are those that workflows are written from."""

from pathlib import Path

import likeness
from likeness.tools.weights.known_files import KNOWN_FILES, markdown_table

ROOT = Path(likeness.__file__).parent


def rows(text):
    """Rows of tables that link to a file."""
    return [line for line in text.splitlines() if line.startswith("|") and "](https://" in line and "/resolve/" in line]


def test_the_files_are_those_of_the_one_table():
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert markdown_table(KNOWN_FILES) in text, "write it anew with markdown_table(KNOWN_FILES)"


def test_the_files_of_the_first_workflow_are_rows_of_that_table():
    readme, known = (ROOT / "README.md").read_text(encoding="utf-8"), markdown_table(KNOWN_FILES).splitlines()
    assert len(rows(readme)) == 5
    assert set(rows(readme)) <= set(known)
