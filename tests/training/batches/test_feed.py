"""A process reads its own part of every batch, from wherever a run goes on, and encodes what it read."""

from __future__ import annotations

import pytest
from likeness.tests.training.small_dataset import dataset, digest
from likeness.tests.training.small_pictures import (
    row,
)
from likeness.training.batches.feed import PictureFeed


def feed(data, **options):
    return PictureFeed(
        dataset=data,
        encode=lambda read: [example.position for example in read],
        **{"batch_size": 2, "end": 3, "workers": 0, **options},
    )


def positions(made, first=0):
    return [made.batch(read) for read in made.read(first)]


@pytest.fixture
def data(tmp_path):
    return dataset(tmp_path, [row(number) for number in range(5)])


def test_a_run_goes_on_with_the_batch_that_would_have_come(data):
    assert positions(feed(data)) == [[0, 1], [2, 3], [4, 5]]
    assert positions(feed(data), first=2) == [[4, 5]]
    assert positions(feed(data), first=3) == []


def test_processes_divide_what_one_would_see(data):
    first, second = (positions(feed(data, rank=rank, processes=2)) for rank in range(2))
    assert [one + other for one, other in zip(first, second, strict=True)] == positions(feed(data, batch_size=4))


def test_what_is_read_is_what_the_data_set_has_there(data):
    [examples] = feed(data, end=1).read(0)
    assert [digest(example) for example in examples] == [digest(data[0]), digest(data[1])]
