"""The order of training: every row once an epoch, the same after a break and with any number of processes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from likeness.training.batches.order import WINDOW, Batches, Order

groups = st.lists(st.integers(0, 9), min_size=1, max_size=40).filter(any)


@given(groups=groups, seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 3))
def test_an_epoch_holds_every_row_once(groups, seed, epoch):
    order = Order(groups, seed)
    total = sum(groups)
    assert sorted(order.row(epoch * total + place) for place in range(total)) == list(range(total))


@given(groups=groups, seed=st.integers(0, 99), positions=st.lists(st.integers(0, 10**9), max_size=6))
def test_a_row_depends_on_seed_and_position_alone(groups, seed, positions):
    order = Order(groups, seed)
    assert [order.row(place) for place in positions] == [Order(groups, seed).row(place) for place in positions]


def test_epochs_and_seeds_differ():
    first = [Order([50], 0).row(place) for place in range(100)]
    assert first[:50] != first[50:]
    assert first[:50] != [Order([50], 1).row(place) for place in range(50)]


def test_only_a_window_of_shards_is_mixed():
    shards, rows = 4 * WINDOW, 10
    order = Order([rows] * shards, 0)
    for first in range(0, shards * rows, WINDOW * rows):
        seen = [order.row(place) // rows for place in range(first, first + WINDOW * rows)]
        assert len(set(seen)) == WINDOW
        assert seen != sorted(seen)


@given(
    batch_size=st.integers(1, 4),
    processes=st.integers(1, 3),
    first=st.integers(0, 5),
    count=st.integers(0, 5),
)
def test_processes_together_see_what_one_sees_with_a_larger_batch(batch_size, processes, first, count):
    each = [
        list(Batches(batch_size=batch_size, first=first, end=first + count, rank=rank, processes=processes))
        for rank in range(processes)
    ]
    together = [[place for batches in each for place in batches[step]] for step in range(count)]
    assert together == list(Batches(batch_size=batch_size * processes, first=first, end=first + count))


def test_a_resumed_run_goes_on_where_it_stood():
    whole = list(Batches(batch_size=3, first=0, end=8))
    resumed = Batches(batch_size=3, first=5, end=8)
    assert whole[5:] == list(resumed)
    assert len(resumed) == 3
    assert len(Batches(batch_size=3, first=8, end=8)) == 0
