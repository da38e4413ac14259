"""Files that are whole or not there."""

import pytest
from likeness.training.whole_file import whole_file


def test_the_file_is_there_only_when_all_of_it_is_written(tmp_path):
    path = tmp_path / "new folder" / "a.bin"
    with whole_file(path) as partial:
        partial.write_bytes(b"half")
        assert not path.exists()
        assert partial.parent == path.parent  # on the same disk, so that renaming is one step
    assert path.read_bytes() == b"half"
    assert list(path.parent.iterdir()) == [path]


def test_a_fault_on_the_way_leaves_what_was_there_before(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write():
        with whole_file(path) as partial:
            partial.write_bytes(b"new and not fini")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_who_writes_nothing_is_told(tmp_path):
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a.bin"):
        pass
    assert not (tmp_path / "a.bin").exists()
