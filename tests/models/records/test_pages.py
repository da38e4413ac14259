"""What pages are sent: complete, small, and as JSON takes it."""

from __future__ import annotations

import base64
import json
import math

import pytest
import torch
from likeness.models.records.guidance import GuidanceEntry, GuidanceHistory
from likeness.models.records.pages import page_curves, page_people, page_routing, step_of
from likeness.models.records.placements import PartOfRun, PlacementMaps


def maps(pictures=2, steps=3, side=16, names=("Ann", "Ben")):
    first = torch.zeros(pictures, 1, side, side)
    first[..., : side // 2] = 1
    whole = torch.cat([first, 1 - first], dim=1)
    parts = tuple(PartOfRun(f"step {number}", whole) for number in range(1, steps + 1))
    return PlacementMaps(names, whole, steps=parts, layers=(PartOfRun("input 1.0", whole[:1]),))


def test_every_picture_has_its_map_and_its_parts():
    said = json.loads(json.dumps(page_routing(maps())))
    assert [each["picture"] for each in said] == [0, 1]
    for each in said:
        assert [person["name"] for person in each["people"]] == ["Ann", "Ben"]
        assert (each["grid"], each["bits"]) == ([16, 16], 2)
        winners = [value >> 6 for value in base64.b64decode(each["data"])]
        assert winners[:16] == [1] * 8 + [2] * 8
        assert [part["label"] for part in each["steps"]] == ["step 1", "step 2", "step 3"]
        assert [part["label"] for part in each["layers"]] == ["input 1.0"]
        assert base64.b64decode(each["steps"][0]["data"])[0] >> 6 == 1


def test_large_batches_and_long_runs_stay_small():
    said = page_routing(maps(pictures=40, steps=100, side=128))
    assert len(said) == 16
    assert [each["picture"] for each in said if "steps" in each] == [0, 1, 2, 3]
    assert len(said[0]["steps"]) == 34
    assert said[0]["grid"] == [64, 64]
    assert said[0]["steps"][0]["grid"] == [32, 32]
    assert len(json.dumps(said)) < 400_000


def test_colours_differ_and_long_names_are_cut():
    people = page_people(["a" * 10_000, "<img onerror=alert(1)>"])
    assert len(people[0]["name"]) == 80
    assert people[1]["name"] == "<img onerror=alert(1)>"
    assert len({person["colour"] for person in people}) == 2
    assert all(len(person["colour"]) == 7 and person["colour"][0] == "#" for person in people)


def history(levels):
    entries = (
        GuidanceEntry(10.0, "Ann", (0.5, 0.7)),
        GuidanceEntry(10.0, "Ben", (math.nan, math.nan)),
        GuidanceEntry(2.0, "Ann", (math.nan, 0.8)),
    )
    return GuidanceHistory(entries=entries, corrections=(), masks={}, skipped=1, levels=levels)


def test_curves_have_a_point_for_every_guided_step_of_the_run():
    said = json.loads(json.dumps(page_curves(history((10.0, 5.0, 2.0, 1.0, 0.0)))))
    assert (said["steps"], said["skipped"]) == (4, 1)
    assert [person["points"] for person in said["people"]] == [[[1, 10.0, 0.6], [3, 2.0, 0.8]], [[1, 10.0, None]]]


def test_without_the_runs_levels_guided_ones_count():
    said = page_curves(history(()))
    assert said["steps"] == 2
    assert [point[0] for point in said["people"][0]["points"]] == [1, 2]


@pytest.mark.parametrize(("sigma", "step"), [(10.0, 1), (12.0, 1), (5.0, 2), (4.4, 2), (1.9, 3), (0.0, 3)])
def test_a_noise_level_belongs_to_the_nearest_step(sigma, step):
    assert step_of(sigma, (10.0, 5.0, 2.0, 0.0)) == step


def test_runs_that_add_noise_count_their_steps_too():
    assert [step_of(sigma, (0.1, 1.0, 5.0, 10.0)) for sigma in (0.1, 1.0, 5.0)] == [1, 2, 3]
