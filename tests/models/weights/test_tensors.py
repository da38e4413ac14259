"""What a file's tensors must be, and what is said of the others."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import CorruptModelFileError, UnknownCheckpointError
from likeness.models.weights.reading import read_flat, read_state_dict
from likeness.models.weights.tensors import converted, is_finite, require_finite, require_usable, shortened
from safetensors.torch import save_file

KINDS = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_one_value_that_is_no_number_is_seen_anywhere(dtype, value):
    tensor = torch.linspace(-2, 2, 1001).to(dtype)
    assert is_finite(tensor)
    if (dtype == torch.float8_e4m3fn and value != value) or dtype != torch.float8_e4m3fn:
        for place in (0, 500, 1000):
            broken = tensor.float()
            broken[place] = value
            assert not is_finite(broken.to(dtype))


def test_whole_numbers_and_nothing_are_finite():
    assert is_finite(torch.tensor([2**62, -1]))
    assert is_finite(torch.ones(0))
    assert is_finite(torch.ones(3, 4, requires_grad=True).T)


@pytest.mark.parametrize("form", ["a.bin", "old.bin", "a.safetensors"])
def test_the_key_is_named_whatever_the_file(tmp_path, form):
    weights = {"first": torch.ones(4), "part.second": torch.tensor([1.0, torch.nan])}
    path = tmp_path / form
    if form.endswith("bin"):
        torch.save(weights, path, _use_new_zipfile_serialization=form == "a.bin")
    else:
        save_file(weights, path)
    for read in (read_state_dict, read_flat):
        with pytest.raises(CorruptModelFileError, match=f'"{form}" holds NaN or infinity in "part.second"; download'):
            read(path)


def test_masks_of_text_towers_may_be_infinite():
    infinite = torch.full((2, 2), -torch.inf)
    with pytest.raises(CorruptModelFileError) as caught:
        require_finite({"text.attn_mask": infinite, "text.weight": infinite}, "It")
    assert '"text.weight"' in str(caught.value)


UNUSABLE = {
    "meta": (torch.empty(4, device="meta"), "without values"),
    "sparse": (torch.eye(4).to_sparse(), "sparse layout"),
    "complex": (torch.ones(4, dtype=torch.complex64), "complex numbers"),
    "quantised": (torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.qint8), "quantised"),
    "stride 0": (torch.ones(1).expand(10_000_000_000), "4 bytes that stand for 10,000,000,000 numbers"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_no_network_can_use_is_named(tmp_path, kind):
    tensor, reason = UNUSABLE[kind]
    path = tmp_path / "a.bin"
    torch.save({"good": torch.ones(3), "part": {"bad": tensor}}, path)
    with pytest.raises(
        UnknownCheckpointError, match="|".join((f'"part.bad" .*{reason}', "truncated or damaged"))
    ) as refused:
        read_state_dict(path)
    assert "\n" not in str(refused.value)


def test_one_tensor_named_again_and_again_is_refused(tmp_path):
    tensor = torch.ones(100_000)
    torch.save({"a": tensor, "b": tensor}, tmp_path / "two")
    assert read_state_dict(tmp_path / "two").keys() == {"a", "b"}
    torch.save({str(number): tensor for number in range(50)}, tmp_path / "fifty")
    with pytest.raises(
        UnknownCheckpointError, match="names tensors of 20,000,000 bytes, the same ones again and again"
    ):
        read_state_dict(tmp_path / "fifty")


def test_given_weights_may_have_no_values():
    weights, _ = read_flat({"a": torch.empty(3, device="meta")})
    assert weights["a"].is_meta


def test_conversion_keeps_what_fits_and_names_what_does_not():
    large = torch.tensor([1.0, 70_000.0])
    assert converted("k", large, None, "It") is large
    assert converted("k", large, torch.bfloat16, "It").dtype == torch.bfloat16
    with pytest.raises(
        UnknownCheckpointError, match=r'It holds numbers in "k" that are too large for float16 \(above 65504\)'
    ):
        converted("k", large, torch.float16, "It")
    with pytest.raises(UnknownCheckpointError, match='numbers in "k" that are too large for float32'):
        converted("k", torch.tensor(1e300, dtype=torch.float64), torch.float32, "It")
    with pytest.raises(UnknownCheckpointError, match='holds "k" as int8, and weights are fractions'):
        converted("k", torch.ones(2, dtype=torch.int8), torch.float32, "It")


def test_long_keys_are_cut_in_the_middle():
    assert shortened("a" * 80) == "a" * 80
    assert shortened("a" * 1000 + "b" * 1000) == "a" * 40 + "…" + "b" * 40


def test_storage_larger_than_the_file_is_refused():
    with pytest.raises(UnknownCheckpointError, match="as 400 bytes, more than the file's 100"):
        require_usable({"a": torch.ones(100)}, "It", size=100)
