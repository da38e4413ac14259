"""The miniature's workflows as a release ships them, in every ComfyUI over HTTP, and what the judge sees in their pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from likeness.miniature.judge.file import read_judge, read_styled_judge
from likeness.miniature.judge.scores import identity_hits, merge
from likeness.models.images.layout import images_from_arrays
from likeness.models.miniature.files import JUDGE, STYLED_READERS
from likeness.tools.demo.scene import PEOPLE
from likeness.tools.workflows.miniature import PICTURES, SIZE
from PIL import Image

pytestmark = pytest.mark.comfy

FOLDER = Path(__file__).resolve().parents[1] / "workflows"
# Share of skin, hair and eyes that are right in the workflow's four pictures; a guess is right in 0.19 of all.
FLOORS = {
    "2 Try without download - one person": 0.4,
    "1 Try without download - two people": 0.4,
    "3 Try without download - ConsistentID": 0.5,
    "4 Try without download - guidance": 0.4,
    "5 Try without download - OmniPortrait": 0.4,
    "6 Try without download - IP-Adapter": 0.5,
    "9 Try without download - best of a batch": 0.5,
    "10 Try without download - identity card": 0.4,
}


STYLED_FLOORS = {  # of FaceStudio's pictures, which a judge of all styles reads
    "7 Try without download - FaceStudio": 0.4,
    "8 Try without download - FaceStudio with two people": 0.4,
}
MISCOUNTED = 1  # of four such pictures


@pytest.fixture(scope="module")
def judge():
    return read_judge(JUDGE)


@pytest.fixture(scope="module")
def styled_judge():
    return read_styled_judge(JUDGE, STYLED_READERS)


@pytest.mark.parametrize("name", FLOORS)
def test_the_people_of_the_portraits_are_in_the_pictures(name, miniature_server, judge):
    codes, verdicts = drawn(name, miniature_server, judge)
    assert [verdict.count for verdict in verdicts] == [len(codes)] * PICTURES
    assert identity(codes, verdicts) >= FLOORS[name]


@pytest.mark.parametrize("name", STYLED_FLOORS)
def test_they_are_in_pictures_of_another_style(name, miniature_server, styled_judge):
    codes, verdicts = drawn(name, miniature_server, styled_judge)
    assert sum(verdict.count != len(codes) for verdict in verdicts) <= MISCOUNTED
    assert identity(codes, verdicts) >= STYLED_FLOORS[name]


def drawn(name, server, judge):
    """Who should be in a workflow's pictures, and what a judge reads in them."""
    prompt = json.loads((FOLDER / "api" / f"{name}.json").read_text("utf-8"))
    entry = server.run(prompt)
    [saved] = [number for number, node in prompt.items() if node["class_type"] == "SaveImage"]
    pictures = [np.asarray(Image.open(file)) for file in server.output_files(entry, saved)]
    assert [picture.shape for picture in pictures] == [(SIZE, SIZE, 3)] * PICTURES
    people = 2 if "two people" in name else 1
    return torch.tensor(PEOPLE[:people]), judge.read(images_from_arrays(pictures).permute(0, 3, 1, 2))


def identity(codes, verdicts):
    """Share of skin, hair and eyes that are right."""
    hits = [hit for each in merge([identity_hits(verdict, codes) for verdict in verdicts]).values() for hit in each]
    return sum(hits) / len(hits)
