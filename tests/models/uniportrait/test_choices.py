"""Choices that are kept for some noise levels, and compared from one to the next."""

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.placement.standing import Standing
from likeness.models.port.attention import Crop, Run
from likeness.models.records.placements import PlacementRecord
from likeness.models.uniportrait.application import Routed
from likeness.models.uniportrait.choices import Choices

LEVELS = (9.0, 7.0, 5.0, 4.0, 3.0, 2.0, 1.0)


def chooser(asked, *, soft=False):
    """Somebody else at every position each time that it is asked."""

    def choose():
        asked.append(len(asked))
        winner = torch.full((1, 4), asked[-1] % 2)
        if soft:
            return Standing(people=2, weights=torch.nn.functional.one_hot(winner, 2) * 0.8 + 0.1)
        return Standing(people=2, choice=winner)

    return choose


@pytest.mark.parametrize(("every", "expected"), [(1, 7), (2, 4), (3, 3), (7, 1)])
def test_it_is_chosen_at_every_so_many_th_noise_level(call, every, expected):
    asked, choices = [], Choices(every)
    for sigma in LEVELS:
        choices.at(1, replace(call((2, 2)), sigma=sigma), chooser(asked))
    assert len(asked) == expected


def test_in_between_the_last_choice_is_the_same_object(call):
    asked, choices = [], Choices(3)
    seen = [choices.at(1, replace(call((2, 2)), sigma=sigma), chooser(asked)) for sigma in LEVELS]
    assert seen[0] is seen[1] is seen[2]
    assert seen[2] is not seen[3]
    assert seen[3] is seen[4] is seen[5]


def test_calls_at_one_noise_level_choose_each_for_themselves_unless_they_are_kept(call):
    """Samplers with several calls a step may come to the same level with another latent."""
    asked = []
    for every, expected in ((1, 2), (2, 1)):
        choices = Choices(every)
        asked.clear()
        for _ in range(2):
            choices.at(1, call((2, 2)), chooser(asked))
        assert len(asked) == expected


def test_layers_crops_and_pictures_have_their_own(call):
    asked, choices = [], Choices(3)
    crop = Crop(top=0, left=0, height=2, width=2, full_height=4, full_width=4)
    calls = [(1, call((2, 2))), (3, call((2, 2))), (1, call((2, 2), crop=crop)), (1, call((2, 2), samples=(1,)))]
    for layer, each in calls * 2:
        choices.at(layer, each, chooser(asked))
    assert len(asked) == 4


def test_a_sampler_that_goes_back_chooses_again(call):
    asked, choices = [], Choices(2)
    for sigma in (9.0, 7.0, 5.0, 4.0, 9.0):
        choices.at(1, replace(call((2, 2)), sigma=sigma), chooser(asked))
    assert len(asked) == 3


@pytest.mark.parametrize("soft", [False, True])
def test_a_recorder_is_told_how_much_stays_the_same(call, soft):
    record = PlacementRecord()
    choices = Choices(1)
    winners = torch.tensor([[0, 0, 1, 1]]), torch.tensor([[0, 0, 0, 1]]), torch.tensor([[0, 0, 0, 1]])
    for sigma, winner in zip(LEVELS, winners, strict=False):
        standing = Standing(people=2, choice=winner)
        if soft:
            standing = Standing(people=2, weights=torch.nn.functional.one_hot(winner, 2) * 0.6 + 0.2)
        told = replace(call((2, 2)), sigma=sigma, run=Run(recorder=record))
        choices.at(1, told, lambda standing=standing: standing)
        record.record(("ann", "bob"), told, standing.shares(told.hidden))
    assert record.maps().equal_choices == (3 + 4) / 8


def test_two_calls_at_one_level_are_no_comparison(call):
    """A guided pass and the step itself."""
    record, choices, asked = PlacementRecord(), Choices(1), []
    told = replace(call((2, 2)), run=Run(recorder=record))
    for _ in range(2):
        choices.at(1, told, chooser(asked))
    assert len(asked) == 2
    assert record.compared == 0


def test_shares_that_are_kept_have_no_graph_and_can_be_part_of_one(call):
    """Chosen in inference mode, read again in a guided pass; and the other way round."""
    choices, asked = Choices(2), []
    with torch.inference_mode():
        choices.at(1, call((2, 2)), chooser(asked, soft=True))
    kept = choices.at(1, replace(call((2, 2)), sigma=0.5), chooser(asked, soft=True))
    value = torch.ones(1, 4, 2, requires_grad=True)
    (kept.weights * value).sum().backward()
    torch.testing.assert_close(value.grad, kept.weights)

    first = choices.at(3, call((2, 2)), lambda: Standing(people=2, weights=value * 1))
    again = choices.at(3, call((2, 2)), chooser(asked, soft=True))
    assert first.weights.requires_grad
    assert not again.weights.requires_grad
    assert len(asked) == 1


@pytest.mark.parametrize("every", [0, -1, 101])
def test_a_number_of_levels_out_of_range_is_refused(every):
    with pytest.raises(InvalidSettingError, match=f"route_every is {every}; choose a number from 1 to 100"):
        Routed(torch.nn.ModuleDict(), torch.zeros(2, 4, 8), every=every)
