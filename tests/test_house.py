"""The house keeps its measures: small folders, short files, and a test beside every file at the mirrored path."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from likeness.tests.repository import ROOT, list_files

MOST_FILES = 20  # Python files of a folder outside tests/, besides __init__.py
MOST_LINES = 350
LEAST_MIRRORED = 0.9  # share of the Python files outside tests/ that have a test at the mirrored path
# Files that are longer still, with the lines that each may have; a file that got shorter leaves this table.
STILL_LONGER = {
    "tests/host/conftest.py": 434,
    "tests/host/consistentid/test_application.py": 384,
    "tests/host/omniportrait/test_guidance.py": 507,
}

STILL_CROWDED: dict[str, int] = {}  # the same for folders

PYTHON = [name for name in list_files() if name.endswith(".py")]
SOURCES = [PurePosixPath(name) for name in PYTHON if not name.startswith("tests/") and not name.endswith("__init__.py")]


def mirrored(source: PurePosixPath) -> str:
    """Return the path of the test that belongs to a source file."""
    return (PurePosixPath("tests") / source.parent / f"test_{source.name}").as_posix()


def count_lines(name: str) -> int:
    return len((ROOT / name).read_text(encoding="utf-8").splitlines())


def test_no_folder_is_crowded():
    counts = Counter(source.parent.as_posix() for source in SOURCES)
    crowded = {name: count for name, count in counts.items() if count > STILL_CROWDED.get(name, MOST_FILES)}
    assert crowded == {}, "divide these"


def test_no_file_is_long():
    too_long = {name: lines for name in PYTHON if (lines := count_lines(name)) > STILL_LONGER.get(name, MOST_LINES)}
    assert too_long == {}, "divide these, or shorten them"


def test_the_tables_hold_only_what_is_still_too_large():
    counts = Counter(source.parent.as_posix() for source in SOURCES)
    assert [name for name in STILL_LONGER if name not in PYTHON or count_lines(name) <= MOST_LINES] == []
    assert [name for name in STILL_CROWDED if counts[name] <= MOST_FILES] == []


def test_files_have_a_test_at_the_mirrored_path():
    missing = [source.as_posix() for source in SOURCES if mirrored(source) not in PYTHON]
    share = 1 - len(missing) / len(SOURCES)
    assert share >= LEAST_MIRRORED, f"{share:.1%} of {len(SOURCES)} files are mirrored; these are not:\n" + "\n".join(
        missing
    )


def test_the_mirrored_path():
    assert mirrored(PurePosixPath("models/face/alignment.py")) == "tests/models/face/test_alignment.py"
    assert mirrored(PurePosixPath("models/errors.py")) in PYTHON
