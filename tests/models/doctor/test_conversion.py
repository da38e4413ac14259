"""A converted file holds the same bits; the original and every other file stay as they were."""

from __future__ import annotations

import os

import pytest
import torch
from likeness.models.doctor.conversion import convert, is_convertible
from likeness.models.errors import (
    CorruptModelFileError,
    DownloadError,
    InvalidSettingError,
    LikenessError,
    UnknownCheckpointError,
)
from likeness.models.weights.reading import read_metadata, read_state_dict
from likeness.models.weights.state_dict import flatten
from likeness.tests.models.doctor.small_models import faceid, put


class Evil:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


def save(path, content):
    torch.save(content, path)
    return path


def same_bits(one, other):
    return one.dtype == other.dtype and torch.equal(
        one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8)
    )


def test_nested_weights_come_out_flat_bit_for_bit(tmp_path):
    chance = torch.Generator().manual_seed(0)
    wide = torch.randn(6, 4, generator=chance)
    content = {
        "proj": {"weight": wide, "half": wide.half(), "brain": wide.bfloat16(), "turned": wide.T, "part": wide[1:3]},
        "layers": {"0": {"odd": torch.tensor([-0.0, 1e-45, -3.4e38]), "count": torch.tensor(3)}},
        "again": wide,
        "empty": torch.zeros(0, 4),
    }
    path = save(tmp_path / "small.bin", content)
    before = path.read_bytes()
    made = convert(path)
    assert made.path == tmp_path / "small.safetensors"
    wanted, found = flatten(content), read_state_dict(made.path)
    assert found.keys() == wanted.keys()
    assert made.tensors == len(wanted)
    assert all(same_bits(found[key], wanted[key].contiguous()) for key in wanted)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["small.bin", "small.safetensors"]
    assert read_metadata(made.path)["converted_from"] == "small.bin"
    assert made.note == ""


def test_an_adapter_is_still_the_same_adapter(tmp_path):
    from likeness.models.doctor.recognition import recognise

    path = put(tmp_path, "adapter.bin", faceid())
    assert recognise(convert(path).path) == recognise(path)


def test_what_is_no_tensor_is_named(tmp_path):
    path = save(tmp_path / "small.pt", {"state_dict": {"a": torch.ones(2)}, "epoch": 7, "settings": {"rate": 0.1}})
    made = convert(path)
    assert list(read_state_dict(made.path)) == ["a"]
    assert made.note == "Left out, since safetensors holds tensors alone: epoch, settings.rate."


def test_nothing_in_a_file_is_run(tmp_path):
    path = save(tmp_path / "evil.bin", {"a": torch.ones(2), "b": Evil(tmp_path / "made")})
    with pytest.raises(UnknownCheckpointError, match="could run code"):
        convert(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["evil.bin"]


def test_a_file_that_is_there_stays(tmp_path):
    path = save(tmp_path / "small.bin", {"a": torch.ones(2)})
    (tmp_path / "small.safetensors").write_text("mine")
    with pytest.raises(InvalidSettingError, match="is there already and was left as it is"):
        convert(path)
    assert (tmp_path / "small.safetensors").read_text() == "mine"


def test_two_tensors_that_would_get_one_name_are_not_mixed_up(tmp_path):
    path = save(tmp_path / "small.bin", {"a": {"b": torch.ones(2)}, "a.b": torch.zeros(2)})
    with pytest.raises(UnknownCheckpointError, match="the same name"):
        convert(path)


@pytest.mark.parametrize("content", [{}, {"epoch": 1}])
def test_a_file_without_tensors_is_refused(tmp_path, content):
    with pytest.raises(UnknownCheckpointError, match="holds no tensors"):
        convert(save(tmp_path / "small.bin", content))


def test_safetensors_under_another_name_need_no_conversion(tmp_path):
    path = put(tmp_path, "small.safetensors", faceid()).rename(tmp_path / "small.bin")
    with pytest.raises(InvalidSettingError, match="nothing to convert"):
        convert(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: b"<html><body>Log in</body></html>", "web page"),
        (lambda content: content[: len(content) // 2], "truncated or damaged"),
        (lambda content: b"", "is empty"),
    ],
    ids=["a web page", "cut off", "empty"],
)
def test_a_damaged_file_is_one_sentence_and_leaves_nothing(tmp_path, change, said):
    path = save(tmp_path / "small.bin", {"a": torch.ones(1000)})
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CorruptModelFileError, match=said):
        convert(path)
    assert [each.name for each in tmp_path.iterdir()] == ["small.bin"]


def test_what_safetensors_cannot_hold_is_refused_and_leaves_nothing(tmp_path):
    sparse = torch.ones(3, 3).to_sparse()
    with pytest.raises(LikenessError, match=r"small\.bin"):
        convert(save(tmp_path / "small.bin", {"a": sparse}))
    assert [each.name for each in tmp_path.iterdir()] == ["small.bin"]


def test_a_disk_that_is_full_is_one_sentence_and_leaves_nothing(tmp_path):
    import resource

    path = save(tmp_path / "small.bin", {"a": torch.ones(100_000)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(DownloadError, match=r"The disk of .* is full|Writing into .* failed"):
            convert(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [each.name for each in tmp_path.iterdir()] == ["small.bin"]


def test_only_weights_of_torch_s_are_offered(tmp_path):
    names = ["a.bin", "a.PT", "a.pth", "a.ckpt", "a.safetensors", "a.onnx"]
    assert [name for name in names if is_convertible(tmp_path / name)] == names[:4]
