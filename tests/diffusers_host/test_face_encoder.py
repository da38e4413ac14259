"""Face crops become features, and nobody has some too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.diffusers_host.image_encoder import image_tokens, load_image_encoder
from likeness.models.uniportrait.checkpoint import load_backbone
from likeness.models.uniportrait.encode import null_features
from likeness.tests.training.small_files import small_backbone, small_clip_vision


@pytest.fixture(scope="module")
def faces():
    return FaceEncoder(backbone=load_backbone(small_backbone()), image_encoder=load_image_encoder(small_clip_vision()))


def crops(count):
    return np.random.default_rng(count).integers(0, 256, (count, 224, 224, 3), np.uint8)


def test_nobody_is_clip_s_word_for_zero_pixels(faces):
    tokens = image_tokens(faces.image_encoder, torch.zeros(1, 3, 224, 224))
    expected = null_features(tokens, faces.features(crops(1)))
    assert torch.equal(faces.nobody().structure, expected.structure)
    assert not faces.nobody().intrinsic.any()


def test_crops_lie_one_after_the_other_and_do_not_see_each_other(faces):
    both = crops(2)
    together = faces.features(both)
    alone = [faces.features(both[place : place + 1]) for place in range(2)]
    for name in ("intrinsic", "structure"):
        expected = torch.cat([getattr(one, name) for one in alone], dim=1)
        torch.testing.assert_close(getattr(together, name), expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(alone[0].intrinsic, alone[1].intrinsic, atol=1e-3)
    assert not together.intrinsic.requires_grad


def test_structure_sees_pixels_that_clip_sees(faces):
    changed = FaceEncoder(
        backbone=faces.backbone,
        image_encoder=load_image_encoder({key: value * 2 for key, value in small_clip_vision().items()}),
    )
    first, second = faces.features(crops(1)), changed.features(crops(1))
    assert torch.equal(first.intrinsic, second.intrinsic)
    assert not torch.allclose(first.structure, second.structure, atol=1e-3)
