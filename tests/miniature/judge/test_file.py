"""The judge's file: read as it was written, and nothing else is taken for it."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.judge.file import FINDER, read_judge, read_styled_judge, write_judge, write_styled_readers
from likeness.miniature.judge.judge import Judge
from likeness.miniature.judge.readers import new_backdrop_reader, new_person_reader, new_styled_backdrop_reader
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


def test_readers_of_all_styles_go_with_the_other_judges_detector(tmp_path):
    torch.manual_seed(1)
    flat = Judge(finder=FaceFinder(), persons=new_person_reader(), backdrops=new_backdrop_reader())
    styled = Judge(finder=flat.finder, persons=new_person_reader(), backdrops=new_styled_backdrop_reader())
    write_judge(tmp_path / "judge.safetensors", flat, {})
    write_styled_readers(tmp_path / "styled.safetensors", styled, {})
    again = read_styled_judge(tmp_path / "judge.safetensors", tmp_path / "styled.safetensors")
    for name in ("finder", "persons", "backdrops"):
        assert_equal(getattr(again, name).state_dict(), halved(getattr(styled, name).state_dict()))
    assert set(again.backdrops.questions) == {"pattern", "tint", "style"}
    with pytest.raises(UnknownCheckpointError, match=r"^judge\.safetensors, reader of backdrops,"):
        read_styled_judge(tmp_path / "judge.safetensors", tmp_path / "judge.safetensors")


def test_another_file_is_no_judge(tmp_path):
    """It has a detector, but no readers."""
    write_networks(tmp_path / "other.safetensors", {FINDER: FaceFinder()}, {})
    with pytest.raises(UnknownCheckpointError, match=r"^other\.safetensors, reader of persons,"):
        read_judge(tmp_path / "other.safetensors")
