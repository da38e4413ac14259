"""UniPortrait on the host is UniPortrait in the miniature's studio, alone and with the router."""

from __future__ import annotations

import pytest
from likeness.evaluation.hosts.diffusers.uniportrait.method import UniPortrait
from likeness.tests.evaluation.hosts.diffusers.miniature import (
    ROUNDING,
    furthest,
    in_the_studio,
    on_the_host,
    people,
    studio,
)


@pytest.mark.parametrize("count", [1, 2])
def test_it_draws_what_the_studio_draws(tmp_path, count):
    somebody = people(tmp_path)[:count]
    method = UniPortrait(adapter=studio().adapter, encoders=studio().faces.encoders, strength=1.0, structure_scale=0.3)
    mine = on_the_host(method, *somebody)
    assert furthest(mine, in_the_studio(*somebody)) <= ROUNDING
    assert furthest(mine, in_the_studio()) > 10 * ROUNDING
