"""CLIP's picture towers of open_clip under ComfyUI's memory management."""

from __future__ import annotations

import pytest
import torch
from likeness.models.clip.towers import TransformerSizes, new_tower
from likeness.models.errors import UnknownCheckpointError
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy

SIZES = [TransformerSizes(image=56, patch=28, width=64, layers=1, feed=64, outputs=outputs) for outputs in (3, 5)]


@pytest.fixture
def files(tmp_path):
    """Two files as open_clip writes them, text towers included, and the towers in them."""
    paths, towers = [], []
    for seed, sizes in enumerate(SIZES):
        torch.manual_seed(seed)
        towers.append(new_tower(sizes, "quick_gelu").eval())
        paths.append(tmp_path / f"{seed}.safetensors")
        weights = {f"visual.{key}": tensor.contiguous() for key, tensor in towers[-1].state_dict().items()}
        save_file({**weights, "token_embedding.weight": torch.zeros(2, 2)}, paths[-1])
    return paths, towers


@pytest.fixture
def pixels():
    return torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(5))


def test_embeddings_are_joined_in_the_order_of_the_files(files, pixels):
    from likeness.host.encoders.clip_towers import load_towers

    paths, towers = files
    embedder = load_towers(paths, "quick_gelu")
    found = embedder.embeddings(pixels)
    with torch.no_grad():
        expected = torch.cat([tower(pixels) for tower in towers], dim=-1)
    assert (found.dtype, found.device.type, found.requires_grad) == (torch.float32, "cpu", False)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert embedder.width == 8


def test_the_key_names_weights_order_and_activation(files):
    from likeness.host.encoders.clip_towers import load_towers

    paths, _ = files
    key = load_towers(paths, "quick_gelu").key
    assert load_towers(paths, "quick_gelu").key == key
    assert load_towers(paths[::-1], "quick_gelu").key != key
    assert load_towers(paths, "gelu").key != key


def test_a_file_without_a_picture_tower_is_named(files, tmp_path):
    from likeness.host.encoders.clip_towers import load_towers

    save_file({"text.weight": torch.zeros(2)}, tmp_path / "text.safetensors")
    with pytest.raises(UnknownCheckpointError, match=r'"text\.safetensors" does not fit: keys 4 missing'):
        load_towers([tmp_path / "text.safetensors"], "gelu")
