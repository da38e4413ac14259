"""A MODEL of trained FaceStudio begins with its own contexts alone."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.person import People

pytestmark = pytest.mark.comfy


@pytest.fixture
def applied(tiny_model, facestudio, style):
    from likeness.host.facestudio.method import Asked

    return facestudio().apply(tiny_model("sd15"), Asked(people=People(), style=style()))


@pytest.mark.parametrize("side", ["positive", "negative"])
def test_another_prompt_is_refused_on_either_side(applied, sample, conditioning, side):
    sides = {"positive": applied.positive, "negative": applied.negative, side: conditioning(1)}
    with pytest.raises(InvalidSettingError, match=f"the sampler's {side} is another prompt: connect positive"):
        sample(applied.model, **sides)


def test_one_among_contexts_is_refused(applied, sample, conditioning):
    with pytest.raises(InvalidSettingError, match="positive is another prompt"):
        sample(applied.model, positive=applied.positive + conditioning(1), negative=applied.negative)


def test_contexts_that_the_core_has_changed_are_taken(applied, sample):
    from nodes import ConditioningAverage, ConditioningConcat, ConditioningSetAreaPercentage, ConditioningZeroOut

    (half,) = ConditioningAverage().addWeighted(applied.positive, applied.negative, 0.5)
    (placed,) = ConditioningSetAreaPercentage().append(applied.positive, 0.5, 1.0, 0.0, 0.0, 1.0)
    (joined,) = ConditioningConcat().concat(applied.positive, applied.negative)
    (zero,) = ConditioningZeroOut().zero_out(applied.negative)
    for positive in (half, placed, joined):
        assert torch.isfinite(sample(applied.model, positive=positive, negative=zero)).all()


def test_the_model_beside_it_takes_any_prompt(tiny_model, facestudio, style, sample):
    from likeness.host.facestudio.method import Asked

    model = tiny_model("sd15")
    facestudio().apply(model, Asked(people=People(), style=style()))
    assert torch.isfinite(sample(model)).all()
