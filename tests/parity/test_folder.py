"""What a folder of cases notes about who read what."""

import json

import numpy as np
import pytest
import torch
from likeness.tests.parity.folder import Folder, explained, folder_of
from safetensors.torch import save_file

TENSORS = {"in.x": torch.zeros(2), "out.y": torch.ones(2), "r1.in.z": torch.ones(1), "infer|ids": torch.ones(1)}


@pytest.fixture(params=["full", "flat"])
def folder(request, tmp_path):
    """Two cases, in either layout."""
    for group, name in (("proj", "tiny"), ("unet", "wide")):
        path = tmp_path / ("cases/{}/{}" if request.param == "full" else "{}_{}").format(group, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(TENSORS, f"{path}.safetensors")
    return Folder(tmp_path)


def test_names_are_those_of_the_files(folder):
    assert folder.names() == ["proj_tiny", "unet_wide"]
    assert folder.file("proj/tiny").stem.endswith("tiny")


def test_expected_values_are_left_until_somebody_asks(folder):
    assert list(folder.not_compared()) == ["proj_tiny", "unet_wide"]
    case = folder.read("proj/tiny")
    assert list(folder.not_compared()) == ["proj_tiny infer|ids", "proj_tiny out.y", "unet_wide"]
    assert case["out.y"].tolist() == [1, 1]
    assert folder.read("proj/tiny").get("infer|ids") is not None
    assert list(folder.not_compared()) == ["unet_wide"]


def test_asking_for_what_is_not_there(folder):
    case = folder.read("proj/tiny")
    assert case.get("out.other") is None
    assert case.get("out.other", "default") == "default"
    with pytest.raises(FileNotFoundError, match="no case proj/wide"):
        folder.file("proj/wide")


def test_a_case_of_the_index_without_a_file_is_a_case(folder):
    (folder.path / "INDEX.json").write_text(json.dumps({"cases": {"proj/tiny": {}, "proj/lost": {}}}))
    assert "proj_lost" in list(folder.not_compared())


def test_lists_of_names_are_no_tensors(tmp_path):
    np.savez_compressed(tmp_path / "regions_one.npz", names=np.array(["a", "b"]), **{"out.y": np.ones(2)})
    assert list(Folder(tmp_path).read("regions/one")) == ["out.y"]


def test_reasons_fit_whole_lines():
    found = dict(explained(["a out.y", "a out.yy"], {r"a out\.y": "why"}))
    assert found == {"a out.y": "why", "a out.yy": None}


@pytest.mark.parametrize("given", ["", "somewhere"])
def test_full_cases_are_taken_where_the_variable_names_them(monkeypatch, tmp_path, given):
    monkeypatch.setenv("PARITY_PATH", given and str(tmp_path / given))
    assert folder_of("method", tmp_path).path == (tmp_path / "somewhere" / "method" if given else tmp_path)
