"""What .comfyignore leaves of the repository is small, and whole: what users get needs nothing that they do not get."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
from likeness.tests.repository import IGNORE_FILE, ROOT, find_ignored, list_files

MOST_BYTES = 34_000_000
# 408 with five methods; scores, recognisers, identity cards, weights of photos and two workflows; 53 for the page: help in
# Chinese (39), words in two languages (2), scripts (3), blueprints (3), and three apps with their thumbnails (6); 41 for the model doctor, what each method needs, and one reader of
# weights; 10 for scripts of the face picker, of people and of runs
MOST_FILES = 605
PATTERNS = [line for line in IGNORE_FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
NEEDED = ("__init__.py", "LICENSE", "NOTICE", "README.md", "pyproject.toml", "requirements.txt", "docs/nodes.md")
WHOLE_ROOMS = ("nodes/", "host/", "models/", "web/", "locales/", "subgraphs/")
LEFT_OUT = (
    "tests/",
    "tools/",
    "benchmarks/",
    "training/",
    "diffusers_host/",
    "dataset/",
    "evaluation/",
    "docs/ablations/",
)


def imported(source: str, package: PurePosixPath) -> Iterator[PurePosixPath]:
    """Give, for every relative import of a file in a folder, the paths without suffix that it may mean."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = PurePosixPath(*package.parts[: len(package.parts) - node.level + 1], *(node.module or "").split("."))
            yield base
            yield from (base / name.name for name in node.names)


def missing_imports(shipped: set[str], names: set[str]) -> list[str]:
    """Name every Python file that imports one which the repository has and the archive has not."""
    return [
        f"{name} imports {file}"
        for name in sorted(shipped)
        if name.endswith(".py")
        for target in imported((ROOT / name).read_text(encoding="utf-8"), PurePosixPath(name).parent)
        for file in (f"{target}.py", f"{target}/__init__.py")
        if file in names - shipped
    ]


@pytest.fixture(scope="module")
def shipped(shipped_files) -> set[str]:
    return set(shipped_files)


def test_the_archive_is_small(shipped):
    assert sum((ROOT / name).stat().st_size for name in shipped) <= MOST_BYTES
    assert len(shipped) <= MOST_FILES


def test_no_file_of_the_archive_imports_one_that_is_left_out(shipped):
    assert missing_imports(shipped, set(list_files())) == []


def test_an_import_of_a_file_that_is_left_out_is_noticed(shipped):
    names = set(list_files())
    assert "nodes/__init__.py imports models/errors.py" not in missing_imports(shipped, names)
    found = missing_imports(shipped - {"models/errors.py"}, names)
    assert any(line.endswith(" imports models/errors.py") for line in found)


def test_rooms_that_users_need_are_whole(shipped):
    names = set(list_files())
    assert {name for name in names if name.startswith(WHOLE_ROOMS)} <= shipped
    assert {name for name in names if name.startswith("workflows/") and "/api/" not in name} <= shipped
    assert set(NEEDED) <= shipped


def test_rooms_of_developers_are_left_out(shipped):
    assert [name for name in shipped if name.startswith(LEFT_OUT)] == []


def test_of_the_miniature_only_the_weights_that_nodes_load_are_there(shipped):
    weights = {name for name in list_files() if name.startswith("miniature/weights/")}
    assert {name for name in shipped if name.startswith("miniature/")} == weights - {
        "miniature/weights/judge.safetensors",
        "miniature/weights/styled_readers.safetensors",
    }


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_line_leaves_something_out(pattern, tmp_path):
    assert find_ignored(list_files(), [pattern], tmp_path)


def test_no_line_brings_anything_back():
    """Git and the packer's library read a line with ! differently below a folder that is left out."""
    assert [pattern for pattern in PATTERNS if pattern.startswith("!")] == []
