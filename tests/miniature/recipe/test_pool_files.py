"""Encoded pictures on disk: whole files, each made once, and named after all that they depend on."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.recipe.pool_files import PoolFiles, pool_name, read_parts
from likeness.miniature.world.world import World
from torch import nn

FILES = PoolFiles(pictures=5, rows=2)


class Encodes:
    """Turns numbers of pictures into their squares, and notes how it was asked."""

    def __init__(self, most=None):
        self.asked, self.most = [], most

    def __call__(self, numbers):
        if self.most is not None and numbers.stop > self.most:
            raise InterruptedError
        self.asked.append(list(numbers))
        squares = torch.tensor(list(numbers)).square()
        return {"square": squares, "wide": squares[:, None].expand(-1, 3)}


def test_whole_files_are_made_of_a_few_rows_at_once(tmp_path):
    encode = Encodes()
    found = read_parts(tmp_path, range(7), encode, FILES)
    assert encode.asked == [[0, 1], [2, 3], [4], [5, 6], [7, 8], [9]]
    assert torch.equal(found["square"], torch.arange(10).square())
    assert torch.equal(found["wide"], found["square"][:, None].expand(-1, 3))


def test_files_that_are_there_are_only_read(tmp_path):
    first = read_parts(tmp_path, range(5), Encodes(), FILES)
    encode = Encodes()
    again = read_parts(tmp_path, range(10), encode, FILES)
    assert encode.asked == [[5, 6], [7, 8], [9]]
    assert torch.equal(again["square"][:5], first["square"])


def test_pictures_may_begin_anywhere(tmp_path):
    assert read_parts(tmp_path, range(20, 25), Encodes(), FILES)["square"].tolist() == [400, 441, 484, 529, 576]


def test_an_interruption_costs_one_file(tmp_path):
    with pytest.raises(InterruptedError):
        read_parts(tmp_path, range(10), Encodes(most=8), FILES)
    assert len(list(tmp_path.iterdir())) == 1
    encode = Encodes()
    assert torch.equal(read_parts(tmp_path, range(10), encode, FILES)["square"], torch.arange(10).square())
    assert encode.asked[0] == [5, 6]


def test_a_name_holds_everything_that_pictures_depend_on():
    torch.manual_seed(0)
    encoder, world = nn.Linear(2, 2), World(seed=3)
    name = pool_name([encoder], world, (1, 2))
    assert name == pool_name([encoder], World(seed=3), (1, 2))
    others = {
        pool_name([nn.Linear(2, 2)], world, (1, 2)),
        pool_name([encoder, encoder], world, (1, 2)),
        pool_name([encoder], World(seed=4), (1, 2)),
        pool_name([encoder], World(seed=3, size=64), (1, 2)),
        pool_name([encoder], World(seed=3, split="held out"), (1, 2)),
        pool_name([encoder], world, (2, 2)),
        pool_name([encoder], world, (1, 1)),
    }
    assert len(others - {name}) == 7


def test_the_names_of_kept_files_stay(tmp_path):
    """What was encoded before an interruption is found again by these names."""
    read_parts(tmp_path, range(10), Encodes(), FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "from-00000000.safetensors",
        "from-00000005.safetensors",
    ]
    name = pool_name([nn.Linear(1, 1)], World(seed=3, split="held out"), (1, 2))
    assert name.endswith("-held out-128-seed3-1to2")
