"""Small networks read from their files, a few questions about one person each, and where the heads in these truly are."""

from __future__ import annotations

import pytest
from likeness.miniature.ablations.heads import true_heads
from likeness.miniature.ablations.questions import new_questions, true_scenes
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.tests.miniature.small_files import write_files

COUNT = 6


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """The miniature's files."""
    return write_files(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def base(paths):
    """The base in them."""
    return read_base(paths["base"])


@pytest.fixture(scope="module")
def questions(paths):
    """`COUNT` questions with one person."""
    _, faces = read_faces(paths["faces"])
    return new_questions(faces, count=COUNT, people=1, channels=4)


@pytest.fixture(scope="module")
def true_masks():
    """Heads of the people in question, (COUNT, H, W), 0–1."""
    return true_heads(true_scenes(COUNT))[:, 0]
