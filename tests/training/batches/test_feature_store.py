"""The cache of encoded pictures: what is read is what was written, by the same networks."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import CorruptModelFileError
from likeness.training.batches.feature_store import FeatureStore, fingerprint


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "features")


def test_what_was_written_is_read(store):
    assert "abc" not in store
    written = {"mean": torch.arange(6.0).reshape(2, 3).T, "spread": torch.ones(2, dtype=torch.float16)}
    store.write("abc", written)
    assert "abc" in store
    assert "abd" not in store
    read = store.read("abc")
    assert read.keys() == written.keys()
    assert all(torch.equal(read[name], value) and read[name].dtype == value.dtype for name, value in written.items())
    assert [path.suffix for path in store.folder.rglob("*.*")] == [".safetensors"]


def test_a_file_that_is_not_whole_is_named(store):
    store.write("abc", {"mean": torch.ones(8)})
    [path] = store.folder.rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CorruptModelFileError, match=r"abc\.safetensors in the cache cannot be read.*delete it"):
        store.read("abc")


def test_other_weights_have_another_fingerprint():
    torch.manual_seed(0)
    linear, other = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    before = fingerprint([linear])
    assert fingerprint([linear]) == before
    assert len({before, fingerprint([other]), fingerprint([linear, other])}) == 3
    with torch.no_grad():
        linear.bias[0] += 1e-6
    assert fingerprint([linear]) != before
    assert fingerprint([linear.half()]) != fingerprint([linear.bfloat16()])


@pytest.mark.parametrize("place", [-1, -20, 40])
def test_a_flipped_bit_is_seen(store, place):
    store.write("abc", {"mean": torch.ones(8)})
    [path] = store.folder.rglob("*.safetensors")
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptModelFileError, match=r"abc\.safetensors in the cache cannot be read"):
        store.read("abc")


def test_what_another_key_said_is_not_taken(store):
    store.write("abc", {"mean": torch.ones(8)})
    store.write("abd", {"mean": torch.zeros(8)})
    first, second = sorted(store.folder.rglob("*.safetensors"))
    first.replace(second)
    with pytest.raises(CorruptModelFileError, match="it is not what was written"):
        store.read("abd")


def test_what_is_no_number_is_not_taken(store):
    store.write("abc", {"mean": torch.tensor([1.0, torch.nan])})
    with pytest.raises(CorruptModelFileError, match="NaN or infinity"):
        store.read("abc")


def test_a_file_that_has_gone_is_named(store):
    with pytest.raises(CorruptModelFileError, match=r"abc\.safetensors in the cache cannot be read.*No such file"):
        store.read("abc")
