"""The numbers of the recipe."""

from __future__ import annotations

import pytest

pytest.importorskip("diffusers")

from likeness.miniature.recipe.settings import SHIPPED


def test_the_judge_shares_no_seed_with_what_it_judges():
    judges = {config.seed for name, config in SHIPPED.trainings.items() if "judge" in name}
    others = {config.seed for name, config in SHIPPED.trainings.items() if "judge" not in name}
    assert len(judges) == 5
    assert judges & (others | {SHIPPED.seed}) == set()
