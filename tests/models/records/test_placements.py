"""Averages over layers and steps, crops, batches and groups."""

import pytest
import torch
from likeness.models.port.attention import AttentionSite, Crop
from likeness.models.records.placements import PlacementRecord

NAMES = ("ann", "bob")


def weights(grid, first, rows=1):
    part = torch.full((rows, grid[0] * grid[1], 1), float(first))
    return torch.cat([part, 1 - part], dim=-1)


def test_layers_and_steps_count_alike(call):
    record = PlacementRecord()
    record.record(NAMES, call((4, 4)), weights((4, 4), 1))
    record.record(NAMES, call((4, 4)), weights((4, 4), 1))
    record.record(NAMES, call((2, 2)), weights((2, 2), 0))
    maps = record.maps()
    torch.testing.assert_close(maps.maps[0, 0], torch.full((4, 4), 2 / 3))
    [shares] = maps.shares
    assert shares == pytest.approx({"ann": 2 / 3, "bob": 1 / 3})


def test_crops_count_only_where_they_lie(call):
    record = PlacementRecord()
    left = Crop(top=0, left=0, height=4, width=2, full_height=4, full_width=4)
    right = Crop(top=0, left=2, height=4, width=2, full_height=4, full_width=4)
    record.record(NAMES, call((4, 2), crop=left), weights((4, 2), 1))
    record.record(NAMES, call((4, 2), crop=right), weights((4, 2), 0))
    maps = record.maps().maps[0, 0]
    assert maps[:, :2].min() == 1
    assert maps[:, 2:].max() == 0


def test_batches_that_grow_and_two_groups_of_people(call):
    record = PlacementRecord()
    record.record(NAMES, call((2, 2)), weights((2, 2), 1))
    record.record(NAMES, call((2, 2), samples=(0, 1)), weights((2, 2), 0, rows=2))
    record.record(("eve",), call((2, 2)), torch.ones(1, 4, 1))
    maps = record.maps()
    assert maps.names == ("ann", "bob", "eve")
    assert maps.maps[:, 0, 0, 0].tolist() == [0.5, 0]
    assert maps.maps[0, 2].min() == 1


def test_every_picture_has_its_own_shares(call):
    record = PlacementRecord()
    rows = torch.cat([weights((2, 2), 1), weights((2, 2), 0.25)])
    record.record(NAMES, call((2, 2), samples=(0, 1)), rows)
    first, second = record.maps().shares
    assert first == pytest.approx({"ann": 1, "bob": 0})
    assert second == pytest.approx({"ann": 0.25, "bob": 0.75})


def test_a_name_in_two_groups_stands_for_two_people(call):
    record = PlacementRecord()
    record.record(NAMES, call((2, 2)), weights((2, 2), 1))
    record.record(("ann",), call((2, 2)), torch.full((1, 4, 1), 0.5))
    [shares] = record.maps().shares
    assert shares == pytest.approx({"ann": 1, "bob": 0, "ann (2)": 0.5})


def test_without_a_second_choice_nothing_is_said_of_the_first(call):
    record = PlacementRecord()
    record.record(NAMES, call((2, 2)), weights((2, 2), 1))
    assert record.maps().equal_choices is None
    record.compare(torch.tensor([[0, 1, 1, 0]]), torch.tensor([[0, 1, 0, 1]]))
    record.compare(torch.tensor([[0, 1]]), torch.tensor([[0, 1]]))
    assert record.maps().equal_choices == pytest.approx(4 / 6)


def test_the_latest_step_is_that_of_the_first_picture(call):
    record = PlacementRecord()
    assert record.latest() is None
    site = AttentionSite("cross", ("input", 1, 0), 1, 8, "")
    record.record(NAMES, call((4, 4), sigma=5.0), weights((4, 4), 1), site)
    rows = torch.cat([weights((4, 4), 0), weights((4, 4), 0.5)])
    record.record(NAMES, call((4, 4), sigma=2.0, samples=(0, 1)), rows, site)
    record.record(NAMES, call((2, 2), sigma=2.0), weights((2, 2), 1), site)
    record.record(("eve", "ann"), call((4, 4), sigma=2.0), weights((4, 4), 0.25), site)
    latest = record.latest()
    assert latest is not None
    names, maps = latest
    assert names == ("ann", "bob", "eve", "ann (2)")
    assert maps.shape == (4, 4, 4)
    assert maps[:, 0, 0].tolist() == [0.5, 0.5, 0.25, 0.75]
    assert record.maps().maps[1, :2, 0, 0].tolist() == [0.5, 0.5]  # the other picture was left as it is


def test_the_latest_step_stays_on_its_device(call):
    record = PlacementRecord()
    site = AttentionSite("cross", ("input", 1, 0), 1, 8, "")
    for grid in ((4, 4), (2, 2)):
        record.record(NAMES, call(grid), torch.empty(1, grid[0] * grid[1], 2, device="meta"), site)
    latest = record.latest()  # reading a value back would raise here
    assert latest is not None
    assert (latest[1].device.type, tuple(latest[1].shape)) == ("meta", (2, 4, 4))
