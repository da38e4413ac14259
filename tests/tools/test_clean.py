"""What `make clean` takes away, and what it leaves."""

import os

import pytest
from likeness.tools import clean


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setattr(clean, "REPOSITORY", tmp_path / "clone")
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    for name in ("output/demo.png", ".pytest_cache/v", ".venv/bin/python", ".venv-comfy-1/stamp", "models/errors.py"):
        file = tmp_path / "clone" / name
        file.parent.mkdir(parents=True)
        write(file, 60_000_000 if name.startswith("output") else 10)
    (tmp_path / "cache" / "weights").mkdir(parents=True)
    write(tmp_path / "cache" / "weights" / "a.bin", 140_000_000)
    return tmp_path


def write(file, size):
    """Make a file of a size that takes no space."""
    file.touch()
    os.truncate(file, size)


def test_generated_files_and_the_cache_go_and_environments_and_sources_stay(repository):
    clean.main()
    kept = {path.relative_to(repository).as_posix() for path in repository.rglob("*") if path.is_file()}
    assert kept == {"clone/.venv/bin/python", "clone/.venv-comfy-1/stamp", "clone/models/errors.py"}


def test_it_says_how_much_came_free(repository, capsys):
    clean.main()
    assert capsys.readouterr().out == "clean: removed 0.2 GB of generated files and caches\n"


def test_what_a_link_leads_to_is_neither_counted_nor_removed(repository, capsys):
    target = repository / "elsewhere.bin"
    write(target, 500_000_000)
    (repository / "clone" / "output" / "link.bin").symlink_to(target)
    clean.main()
    assert target.stat().st_size == 500_000_000
    assert "removed 0.2 GB" in capsys.readouterr().out
