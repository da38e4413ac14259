"""Files below folders: each once, links followed, loops ended."""

from __future__ import annotations

from likeness.models.weights.folders import files_below


def names(*places, wanted=lambda name: True):
    return [path.relative_to(top).as_posix() for top, path in files_below(places, wanted)]


def test_files_come_in_order_at_any_depth(tmp_path):
    for name in ("b/y", "b/x", "a", "b/c/z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert names(tmp_path) == ["a", "b/x", "b/y", "b/c/z"]
    assert names(tmp_path, wanted=lambda name: name > "w") == ["b/x", "b/y", "b/c/z"]


def test_a_link_back_ends_and_a_file_comes_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "y").symlink_to(tmp_path / "a" / "x")
    assert len(names(tmp_path)) == 1


def test_a_second_place_adds_what_is_new(tmp_path):
    for place, name in (("a", "x"), ("b", "y")):
        (tmp_path / place).mkdir()
        (tmp_path / place / name).write_text("")
    (tmp_path / "b" / "x").symlink_to(tmp_path / "a" / "x")
    found = list(files_below([str(tmp_path / "a"), tmp_path / "b", tmp_path / "none"], lambda name: True))
    assert found == [(tmp_path / "a", tmp_path / "a" / "x"), (tmp_path / "b", tmp_path / "b" / "y")]
