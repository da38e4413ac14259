"""What a run remembers, and which values may be keys of it."""

import torch
from likeness.models.port.attention import Crop, Run, TextRows


def test_what_is_remembered_is_computed_once_until_the_run_ends():
    run, asked = Run(), []

    def compute():
        asked.append(True)
        return torch.zeros(2)

    first = run.remember(("keys", 1), compute)
    assert run.remember(("keys", 1), compute) is first
    assert run.remember(("keys", 2), compute) is not first
    assert len(asked) == 2
    run.memo.clear()
    assert run.remember(("keys", 1), compute) is not first


def test_none_is_remembered_too():
    run, asked = Run(), []
    for _ in range(3):
        assert run.remember("nothing", lambda: asked.append(True)) is None
    assert len(asked) == 1


def test_two_runs_remember_nothing_of_each_other():
    first, second = Run(), Run()
    first.remember("key", lambda: 1)
    assert second.remember("key", lambda: 2) == 2


def test_crops_of_one_place_are_one_key_and_texts_are_keys_by_identity():
    run = Run()
    run.remember(Crop(0, 8, 16, 8, 16, 16), lambda: "right")
    assert run.remember(Crop(0, 8, 16, 8, 16, 16), lambda: "again") == "right"
    assert run.remember(Crop(0, 0, 16, 8, 16, 16), lambda: "left") == "left"
    rows = [TextRows(torch.zeros(1, 2, 4), torch.zeros(1, 2, 4), (0, -1)) for _ in range(2)]
    assert [run.remember(each, lambda number=number: number) for number, each in enumerate(rows)] == [0, 1]
