from __future__ import annotations

import torch
from likeness.models.omniportrait.references import ReferencePicture


def test_content_is_that_of_latent_and_mask_alone():
    latent, mask = torch.randn(1, 4, 3, 3, generator=torch.Generator().manual_seed(0)), torch.ones(5, 5)
    content = ReferencePicture(latent, mask).content
    assert ReferencePicture(latent.clone(), mask.clone(), 0.2).content == content
    smaller = mask.clone()
    smaller[0, 0] = 0
    assert ReferencePicture(latent, smaller).content != content
    assert ReferencePicture(latent + 1e-3, mask).content != content
