"""The judge's file: read as it was written, and nothing else is taken for it."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.judge.file import FINDER, read_judge, write_judge
from likeness.miniature.judge.judge import Judge
from likeness.miniature.judge.readers import new_backdrop_reader, new_person_reader
from likeness.miniature.networks.weights_file import write_networks
from likeness.models.errors import UnknownCheckpointError
from likeness.models.miniature.finder import FaceFinder
from likeness.tests.models.miniature.stored_weights import assert_equal, halved


def test_a_judge_is_read_as_it_was_written(tmp_path):
    torch.manual_seed(0)
    judge = Judge(finder=FaceFinder(), persons=new_person_reader(), backdrops=new_backdrop_reader())
    write_judge(tmp_path / "judge.safetensors", judge, {})
    again = read_judge(tmp_path / "judge.safetensors")
    for name in ("finder", "persons", "backdrops"):
        assert_equal(getattr(again, name).state_dict(), halved(getattr(judge, name).state_dict()))
        assert not getattr(again, name).training


def test_another_file_is_no_judge(tmp_path):
    """It has a detector, but no readers."""
    write_networks(tmp_path / "other.safetensors", {FINDER: FaceFinder()}, {})
    with pytest.raises(UnknownCheckpointError, match=r"^other\.safetensors, reader of persons,"):
        read_judge(tmp_path / "other.safetensors")
