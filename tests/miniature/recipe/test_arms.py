"""Ways to train the adapters."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.recipe.arms import PAPERS_ROUTING, SHIPPED_TWO, StageOneArm
from likeness.miniature.recipe.people import PeoplePool


def test_the_global_arm_sees_the_mean_of_the_deepest_map():
    generator = torch.Generator().manual_seed(0)
    pool = PeoplePool(
        latents=torch.zeros(3, 4, 2, 2),
        tokens=torch.zeros(3, 77, dtype=torch.int64),
        intrinsic=torch.randn(3, 2, 5, 6, generator=generator),
        structure=torch.randn(3, 2, 7, 8, generator=generator),
        boxes=torch.zeros(3, 2, 4),
        present=torch.ones(3, 2, dtype=torch.bool),
        weights=torch.ones(3, 1, 2, 2),
    )
    seen = StageOneArm(is_global=True).select_features(pool)
    assert seen.intrinsic.shape == pool.intrinsic.shape
    for place in range(5):
        torch.testing.assert_close(seen.intrinsic[:, :, place], pool.intrinsic.mean(2))
    assert torch.equal(seen.structure, pool.structure)
    assert StageOneArm().select_features(pool) is pool


def test_the_shipped_router_was_trained_with_the_mean_and_else_as_the_paper_says():
    assert SHIPPED_TWO.routing.form == "mean"
    assert PAPERS_ROUTING.form == "sum"
    assert replace(SHIPPED_TWO.routing, form="sum") == PAPERS_ROUTING
