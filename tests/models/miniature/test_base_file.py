"""The file of the base model: the embedding is filled up, and nothing else is taken for it."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import MissingModelFileError, UnknownCheckpointError
from likeness.models.miniature.base_file import ROWS, UNET, VOCABULARY, WORDS, read_base_file
from likeness.models.miniature.sizes import BaseSizes
from safetensors.torch import save_file

SIZES = BaseSizes(unet=(32, 64), text=16)
WEIGHTS = {
    WORDS: torch.randn(3, 16, generator=torch.Generator().manual_seed(0)),
    ROWS: torch.tensor([2, 320, VOCABULARY - 1]),
    f"{UNET}out.2.weight": torch.ones(2),
}


def test_words_lie_in_their_rows_and_all_others_are_zeros(tmp_path):
    save_file(WEIGHTS, tmp_path / "base.safetensors", SIZES.metadata())
    weights, sizes = read_base_file(tmp_path / "base.safetensors")
    assert sizes == SIZES
    assert weights.keys() == WEIGHTS.keys() - {ROWS}
    assert torch.equal(weights[f"{UNET}out.2.weight"], torch.ones(2))
    words = weights[WORDS]
    assert words.shape == (VOCABULARY, 16)
    assert torch.equal(words[WEIGHTS[ROWS]], WEIGHTS[WORDS])
    assert words.any(1).sum() == 3


@pytest.mark.parametrize("lost", [WORDS, ROWS])
def test_a_file_without_words_or_rows_is_refused(tmp_path, lost):
    weights = {key: tensor for key, tensor in WEIGHTS.items() if key != lost}
    save_file(weights, tmp_path / "other.safetensors", SIZES.metadata())
    with pytest.raises(UnknownCheckpointError, match=r"^other\.safetensors does not"):
        read_base_file(tmp_path / "other.safetensors")


def test_a_file_without_sizes_is_refused(tmp_path):
    save_file(WEIGHTS, tmp_path / "other.safetensors")
    with pytest.raises(UnknownCheckpointError, match=r"^other\.safetensors does not say the sizes"):
        read_base_file(tmp_path / "other.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingModelFileError, match=r"it\.safetensors"):
        read_base_file(tmp_path / "it.safetensors")
