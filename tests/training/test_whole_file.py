"""Files that are whole or not there."""

import resource

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.training.whole_file import whole_file
from safetensors.torch import save_file


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


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(bytes(1000)),
        lambda path: save_file({"a": torch.ones(1000)}, path),
        lambda path: torch.save(torch.ones(1000), path),
    ],
)
def test_a_full_disk_is_told_whoever_writes(tmp_path, write):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with (
            pytest.raises(InvalidSettingError, match="cannot be written") as refused,
            whole_file(tmp_path / "a") as partial,
        ):
            write(partial)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_none_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSettingError, match="cannot be written"), whole_file(tmp_path / "file" / "a"):
        pass
