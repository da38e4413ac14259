from __future__ import annotations

import torch
from likeness.models.omniportrait.guided_person import GuidedPerson, ReferencePicture
from likeness.models.placement.windows import SigmaWindow


def test_content_is_that_of_latent_and_mask_alone():
    latent, mask = torch.randn(1, 4, 3, 3, generator=torch.Generator().manual_seed(0)), torch.ones(5, 5)
    content = ReferencePicture(latent, mask).content
    assert ReferencePicture(latent.clone(), mask.clone(), 0.2).content == content
    smaller = mask.clone()
    smaller[0, 0] = 0
    assert ReferencePicture(latent, smaller).content != content
    assert ReferencePicture(latent + 1e-3, mask).content != content


def test_somebody_has_their_strength_inside_their_window_alone():
    ann = GuidedPerson(name="Ann", strength=0.4, window=SigmaWindow(5.0, 1.0))
    assert [ann.strength_at(sigma) for sigma in (6.0, 5.0, 1.0, 0.5)] == [0, 0.4, 0.4, 0]
    assert GuidedPerson(name="Ben").strength_at(1e9) == 1
