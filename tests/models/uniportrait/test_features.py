import numpy as np
import pytest
import torch
from likeness.models.errors import ShapeError
from likeness.models.uniportrait.checkpoint import load_backbone
from likeness.models.uniportrait.features import (
    ReferenceFeatures,
    backbone_input,
    join_features,
    null_features,
    preprocess,
)

CLIP_WIDTH = 3


@pytest.fixture
def backbone(backbone_file):
    return load_backbone(backbone_file)


def crops(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)


def describe(backbone, pixels, tokens):
    return join_features(backbone(backbone_input(pixels)), tokens)


def clip_tokens(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 256, CLIP_WIDTH, generator=torch.Generator().manual_seed(0))


def test_preprocess_is_clips():
    pixels = preprocess(np.full((1, 224, 224, 3), 255, np.uint8))

    expected = torch.tensor(
        [(1 - 0.48145466) / 0.26862954, (1 - 0.4578275) / 0.26130258, (1 - 0.40821073) / 0.27577711]
    )
    torch.testing.assert_close(pixels[0, :, 0, 0], expected)
    assert pixels.shape == (1, 3, 224, 224)


def test_the_backbone_sees_means_of_four_pixels_in_rgb():
    faces = backbone_input(preprocess(crops()))

    plain = torch.from_numpy(crops()).permute(0, 3, 1, 2).float() / 127.5 - 1
    torch.testing.assert_close(faces, torch.nn.functional.avg_pool2d(plain, 2), atol=1e-5, rtol=0)


def test_preprocess_refuses_other_pictures():
    with pytest.raises(ShapeError, match="224"):
        preprocess(np.zeros((1, 112, 112, 3), np.uint8))
    with pytest.raises(ShapeError, match="uint8"):
        preprocess(torch.zeros(1, 224, 224, 3))


@torch.no_grad()
def test_structure_is_backbone_first_then_clip(backbone):
    features = describe(backbone, preprocess(crops(1)), clip_tokens(1))

    assert features.intrinsic.shape == (1, 49, 10)
    assert features.structure.shape == (1, 256, 4 + 6 + 8 + CLIP_WIDTH)
    assert torch.equal(features.structure[..., -CLIP_WIDTH:], clip_tokens(1))
    deepest = backbone(backbone_input(preprocess(crops(1))))[-1]
    assert torch.equal(features.intrinsic[0, 8], deepest[0, :, 1, 1])  # row-major


@torch.no_grad()
def test_references_follow_each_other(backbone):
    both = describe(backbone, preprocess(crops()), clip_tokens())
    each = [describe(backbone, preprocess(crops()[i : i + 1]), clip_tokens()[i : i + 1]) for i in range(2)]

    torch.testing.assert_close(both.intrinsic, torch.cat([one.intrinsic for one in each], dim=1))
    torch.testing.assert_close(both.structure, torch.cat([one.structure for one in each], dim=1))


@torch.no_grad()
def test_nobody_is_one_picture_of_zeros_and_null_tokens(backbone):
    both = describe(backbone, preprocess(crops()), clip_tokens())
    null = null_features(clip_tokens(1), like=both)

    assert null.intrinsic.shape == (1, 49, 10)
    assert null.structure.shape == (1, 256, both.structure.shape[-1])
    assert not null.intrinsic.any()
    assert not null.structure[..., :-CLIP_WIDTH].any()
    assert torch.equal(null.structure[..., -CLIP_WIDTH:], clip_tokens(1))


def test_a_class_token_or_another_count_is_refused(backbone):
    with pytest.raises(ShapeError, match="257"):
        describe(backbone, preprocess(crops(1)), torch.zeros(1, 257, CLIP_WIDTH))
    with pytest.raises(ShapeError, match="clip_tokens"):
        describe(backbone, preprocess(crops(2)), clip_tokens(1))
    with pytest.raises(ShapeError, match="intrinsic"):
        ReferenceFeatures(intrinsic=torch.zeros(2, 49, 10), structure=torch.zeros(1, 256, 21))
