"""A studio of untrained small networks, its questions and its renderer, for tests of arms and of their guidance."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from likeness.miniature.ablations.arms import Renderer
from likeness.miniature.ablations.questions import new_questions
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.miniature.studio.drawing import Settings
from likeness.miniature.studio.studio import Studio
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.miniature.files import read_uniportrait
from likeness.tests.miniature.small_files import write_files
from likeness.training.batches.feature_store import FeatureStore

FEW = Settings(steps=2)
COUNT = 3


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """The studio."""
    paths = write_files(tmp_path_factory.mktemp("small"))
    networks, faces = read_faces(paths["faces"])
    return Studio(
        base=read_base(paths["base"]),
        finder=networks.finder,
        faces=faces,
        adapter=read_uniportrait(paths["uniportrait"], dtype=torch.float32),
        ip_adapter=load(paths["ip_adapter"], dtype=torch.float32),
    )


@pytest.fixture(scope="module")
def questions(studio: Studio):
    """`COUNT` questions with one person, and as many with two."""
    return {people: new_questions(studio.faces, count=COUNT, people=people, channels=4) for people in (1, 2)}


@pytest.fixture
def renderer(studio: Studio, tmp_path: Path) -> Renderer:
    """Draws in two steps, and keeps what it drew."""
    return Renderer(
        base=studio.base,
        finder=studio.finder,
        nobody=studio.faces.nobody(),
        settings=FEW,
        store=FeatureStore(tmp_path / "drawn", holds_nan=True),
    )
