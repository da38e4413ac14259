"""What stays as it is while the rest is drawn."""

from __future__ import annotations

import torch
from likeness.miniature.studio.euler import sample_euler
from likeness.miniature.studio.kept import Kept

SHAPE = (1, 2, 4, 4)


def half():
    share = torch.zeros(1, 1, 4, 4)
    share[..., 2:] = 1
    return Kept(torch.full(SHAPE, 3.0), share)


def test_kept_places_are_as_noisy_as_the_rest_and_come_back_clean():
    kept, noise, sigma = half(), torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)), 2.0
    shown = kept.put_into(torch.zeros(SHAPE), noise, sigma)
    assert not shown[..., :2].any()
    torch.testing.assert_close(shown[..., 2:], (3 + sigma * noise[..., 2:]) / (sigma**2 + 1) ** 0.5)
    restored = kept.restore(torch.ones(SHAPE))
    assert (restored[..., :2] == 1).all()
    assert (restored[..., 2:] == 3).all()


def test_a_share_mixes():
    assert (Kept(torch.full(SHAPE, 3.0), torch.full((1, 1, 4, 4), 0.25)).restore(torch.ones(SHAPE)) == 1.5).all()


def test_sampling_ends_with_what_is_kept():
    kept, noise = half(), torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    drawn = sample_euler(lambda x, *_: torch.ones_like(x), noise, 3, lambda denoised, _: kept.restore(denoised))
    torch.testing.assert_close(drawn[..., 2:], torch.full((1, 2, 4, 2), 3.0))
