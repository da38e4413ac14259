from __future__ import annotations

import sys

import pytest
import torch
from likeness.models.errors import InvalidSettingError, MissingPackageError, ShapeError
from likeness.models.omniportrait.image_encoder import VIT_L_14, ImageEncoderConfig, PivotImageEncoder, prepare
from likeness.tests.models.omniportrait.small_adapter import CONFIG, changed_config, small_encoder
from torch.nn.functional import conv2d, gelu, layer_norm, linear

PUBLISHED_SIZE, PUBLISHED_KEYS = 303_966_208, 296  # the vision tower of OpenCLIP ViT-L/14, from the paper's sizes


def by_hand(encoder, pixels):
    """The projected class token, written out."""
    weights = {key.removeprefix("visual."): tensor for key, tensor in encoder.state_dict().items()}
    head = encoder.config.head_width

    def norm(values, name):
        return layer_norm(values, (16,), weights[f"{name}.weight"], weights[f"{name}.bias"])

    def layer(values, name):
        return linear(values, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def bend(values):
        return gelu(values) if encoder.config.activation == "gelu" else values * torch.sigmoid(1.702 * values)

    patches = conv2d(pixels, weights["conv1.weight"], stride=8).flatten(2).mT
    tokens = torch.cat([weights["class_embedding"].expand(len(pixels), 1, -1), patches], 1)
    tokens = norm(tokens + weights["positional_embedding"], "ln_pre")
    for block in ("transformer.resblocks.0", "transformer.resblocks.1"):
        read = norm(tokens, f"{block}.ln_1")
        joined = linear(read, weights[f"{block}.attn.in_proj_weight"], weights[f"{block}.attn.in_proj_bias"])
        query, key, value = joined.unflatten(-1, (3, 16 // head, head)).permute(2, 0, 3, 1, 4)
        mixed = (query @ key.mT * head**-0.5).softmax(-1) @ value
        tokens = tokens + layer(mixed.transpose(1, 2).flatten(2), f"{block}.attn.out_proj")
        tokens = tokens + layer(bend(layer(norm(tokens, f"{block}.ln_2"), f"{block}.mlp.c_fc")), f"{block}.mlp.c_proj")
    return norm(tokens[:, 0], "ln_post") @ weights["proj"]


@pytest.mark.parametrize("activation", ["gelu", "quick_gelu"])
def test_the_embedding_is_the_projected_class_token_of_the_normalised_crop(activation):
    encoder = small_encoder(changed_config(activation=activation))
    crops = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    mean, std = (torch.tensor(colours).view(3, 1, 1) for colours in (CONFIG.mean, CONFIG.std))
    torch.testing.assert_close(encoder(crops), by_hand(encoder, (crops - mean) / std), atol=1e-5, rtol=1e-4)


def test_activation_mean_and_std_each_change_the_embedding():
    crops = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    plain = small_encoder()(crops)
    for other in ({"activation": "gelu"}, {"mean": [0.5, 0.4, 0.4]}, {"std": [0.2, 0.3, 0.5]}):
        assert not torch.allclose(small_encoder(changed_config(**other))(crops), plain, atol=1e-4)


def test_crops_of_any_size_are_resized_and_stay_within_their_range():
    encoder = small_encoder()
    crops = torch.zeros(1, 3, 48, 48)
    crops[..., 24:] = 1.0
    mean, std = (torch.tensor(colours).view(3, 1, 1) for colours in (CONFIG.mean, CONFIG.std))
    seen = prepare(crops, encoder.config) * std + mean
    assert seen.shape == (1, 3, 16, 16)
    assert seen.min() > -1e-6
    assert seen.max() < 1 + 1e-6
    torch.testing.assert_close(seen[..., :6], torch.zeros(1, 3, 16, 6), atol=1e-6, rtol=0)
    torch.testing.assert_close(seen.mean(), torch.tensor(0.5), atol=1e-3, rtol=0)  # averaged, not sampled
    with pytest.raises(ShapeError, match="crops"):
        encoder(crops[0])


def test_the_sizes_are_those_of_vit_l_14():
    with torch.device("meta"):
        config = ImageEncoderConfig(**VIT_L_14, activation="gelu", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        encoder = PivotImageEncoder(config)
    assert sum(tensor.numel() for tensor in encoder.state_dict().values()) == PUBLISHED_SIZE
    assert len(encoder.state_dict()) == PUBLISHED_KEYS
    assert encoder.visual.get_submodule("transformer.resblocks.0.attn").num_heads == 16
    assert encoder.visual.output_dim == 768


def test_half_precision_stays_half_precision():
    encoder = small_encoder().to(torch.bfloat16)
    crops = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    assert encoder(crops).dtype == torch.bfloat16
    torch.testing.assert_close(encoder(crops).float(), small_encoder()(crops), atol=0.1, rtol=0.1)


def test_a_config_survives_its_description():
    assert ImageEncoderConfig.from_details(CONFIG.details()) == CONFIG


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"activation": "relu"}, "activation of the image encoder is 'relu'; give gelu or quick_gelu"),
        ({"mean": [0.5, 0.5]}, "mean of the image encoder is .* three numbers"),
        ({"mean": 0.5}, r"mean of the image encoder is 0\.5; give three numbers"),
        ({"std": [0.5, float("nan"), 0.5]}, "std of the image encoder is .* three numbers"),
        ({"std": [0.5, 0.0, 0.5]}, "std of the image encoder is .* above 0"),
        ({"embed_dim": 0}, "embed_dim of the image encoder is 0; give a whole number above 0"),
        ({"vision": "ViT-L-14"}, "vision of the image encoder is 'ViT-L-14'"),
        ({"vision": {"layers": 2, "width": 16, "patch_size": 8}}, "lacks image_size and has nothing too many"),
        ({"vision": {**CONFIG.vision, "timm_model_name": 1}}, "lacks nothing and has timm_model_name too many"),
        ({"vision": {**CONFIG.vision, "head_width": 5}}, "head_width of the image encoder is 5; .* width of 16"),
        ({"vision": {**CONFIG.vision, "mlp_ratio": -1.0}}, r"mlp_ratio of the image encoder is -1\.0"),
        ({"size": 3}, "image encoder also has size; give vision"),
    ],
)
def test_what_no_encoder_can_be_built_from_is_named(fields, message):
    with pytest.raises(InvalidSettingError, match=message):
        changed_config(**fields)


def test_without_open_clip_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip.transformer", None)
    with pytest.raises(MissingPackageError, match="pip install open_clip_torch"):
        PivotImageEncoder(CONFIG)
