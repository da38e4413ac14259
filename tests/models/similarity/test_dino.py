import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError, MissingPackageError, UnknownCheckpointError
from likeness.models.similarity import dino
from likeness.tests.models.small_dino import HEAD, weights
from torch.nn.functional import gelu, layer_norm, linear

# Keys and shapes of the published dino_deitsmall16_pretrain.pth, from the paper's ViT-S/16: 12 blocks, width 384, patch 16.
PUBLISHED_KEYS, PUBLISHED_SIZE = 150, 21_665_664


@pytest.fixture
def encoder():
    return dino.DINO.from_state_dict(weights(), dim_head=HEAD)


def by_hand(tensors, pixels):
    """The class token after the last norm, written out."""
    patches = torch.nn.functional.conv2d(
        pixels, tensors["patch_embed.proj.weight"], tensors["patch_embed.proj.bias"], 8
    )
    hidden = (
        torch.cat([tensors["cls_token"].expand(len(pixels), -1, -1), patches.flatten(2).mT], 1) + tensors["pos_embed"]
    )

    def norm(values, name):
        return layer_norm(values, (16,), tensors[f"{name}.weight"], tensors[f"{name}.bias"], 1e-6)

    def layer(values, name):
        return linear(values, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    for block in ("blocks.0", "blocks.1"):
        joined = layer(norm(hidden, f"{block}.norm1"), f"{block}.attn.qkv")
        query, key, value = joined.unflatten(-1, (3, 2, HEAD)).permute(2, 0, 3, 1, 4)
        mixed = (query @ key.mT * HEAD**-0.5).softmax(-1) @ value
        hidden = hidden + layer(mixed.transpose(1, 2).flatten(2), f"{block}.attn.proj")
        hidden = hidden + layer(gelu(layer(norm(hidden, f"{block}.norm2"), f"{block}.mlp.fc1")), f"{block}.mlp.fc2")
    return norm(hidden, "norm")[:, 0]


def test_the_class_token_as_written_out(encoder):
    images = [np.random.default_rng(seed).integers(0, 256, (32, 32, 3)).astype(np.uint8) for seed in (0, 1)]
    mean, std = torch.tensor(dino.IMAGE_MEAN), torch.tensor(dino.IMAGE_STD)
    pixels = torch.stack([((torch.tensor(image) / 255 - mean) / std).permute(2, 0, 1) for image in images])
    torch.testing.assert_close(encoder.embed(images), by_hand(weights(), pixels), atol=1e-5, rtol=1e-4)


def test_pictures_of_any_size_are_stretched(encoder):
    images = [np.full((5, 90, 3), 40, np.uint8), np.full((1, 1, 3), 40, np.uint8)]
    first, second = encoder.embed(images)
    assert first.shape == (16,)
    torch.testing.assert_close(first, second)
    with pytest.raises(BadImageError, match="8-bit RGB"):
        encoder.embed([np.zeros((5, 5), np.uint8)])


def test_sizes_are_read_from_the_weights():
    encoder = dino.DINO.from_state_dict(weights(dim=24, depth=3, patch=4, size=20), dim_head=HEAD)
    assert (len(encoder.network.blocks), encoder.network.embed_dim, encoder.image_size) == (3, 24, 20)
    assert not encoder.training


def test_the_published_size():
    tensors = weights(dim=384, depth=12, patch=16, size=224)
    assert len(tensors) == PUBLISHED_KEYS
    assert sum(tensor.numel() for tensor in tensors.values()) == PUBLISHED_SIZE
    encoder = dino.load(tensors)
    assert encoder.network.get_submodule("blocks.0.attn").num_heads == 6


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"mask_token": (1, 16)}, "a DINOv2 encoder"),
        ({"blocks.0.ls1.gamma": (16,)}, "a DINOv2 encoder"),
        ({"head.weight": (1000, 16)}, "trained as a classifier"),
    ],
)
def test_other_transformers_are_named(changed, what):
    with pytest.raises(UnknownCheckpointError, match=f'{what}.*"dino" of Load DINO'):
        dino.load(weights() | {key: torch.zeros(shape) for key, shape in changed.items()})


def test_a_training_checkpoint_is_named():
    with pytest.raises(UnknownCheckpointError, match="a whole DINO training checkpoint"):
        dino.load({"teacher": {f"backbone.{key}": tensor for key, tensor in weights().items()}})


def test_keys_are_strict(tmp_path):
    tensors = weights()
    del tensors["blocks.1.norm2.bias"]
    torch.save({**tensors, "extra": torch.zeros(1)}, tmp_path / "dino.pth")
    with pytest.raises(UnknownCheckpointError, match=r'"dino.pth" does not fit: keys 1 missing .* 1 unexpected'):
        dino.load(tmp_path / "dino.pth")
    with pytest.raises(UnknownCheckpointError, match="patch_embed"):
        dino.load({key: tensor for key, tensor in weights().items() if key != "patch_embed.proj.weight"})


def test_a_missing_package_is_named(monkeypatch):
    tensors = weights()
    monkeypatch.setitem(__import__("sys").modules, "timm.models.vision_transformer", None)
    with pytest.raises(MissingPackageError, match="pip install timm"):
        dino.load(tensors)
