"""The studio as a host: the same picture for the same arguments, another for another seed, person or method."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("diffusers")

from likeness.evaluation.hosts.host import Wanted
from likeness.evaluation.protocol.people import PersonFolder
from likeness.evaluation.protocol.sections import PicturesConfig
from likeness.miniature.kit.host import StudioConfig, StudioDrawer
from likeness.miniature.kit.people import write_people
from likeness.miniature.studio.studio import Studio

FEW = PicturesConfig(width=64, height=96, steps=2, guidance=2.0)


@pytest.fixture(scope="module")
def studio():
    return Studio.load()


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    nouns = write_people(folder, 2)
    return [PersonFolder(name, noun, (folder / name / "portrait.png",)) for name, noun in nouns.items()]


def draw(studio, people, seed=0, **settings):
    wanted = Wanted(people=tuple(people), prompt="a man", said="a man", seed=seed, place=(0, 0, 0))
    return StudioDrawer(studio, StudioConfig(**settings)).draw(wanted, FEW)


def test_a_picture_depends_on_seed_person_and_method_alone(studio, people):
    first = draw(studio, people[:1])
    assert first.shape == (96, 64, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, draw(studio, people[:1]))
    assert not np.array_equal(first, draw(studio, people[:1], seed=1))
    assert not np.array_equal(first, draw(studio, people[1:]))
    assert not np.array_equal(first, draw(studio, people[:1], method="nobody"))
    assert not np.array_equal(first, draw(studio, people[:1], method="IP-Adapter"))
    assert np.array_equal(draw(studio, people[:1], method="nobody"), draw(studio, people[1:], method="nobody"))


def test_the_key_names_settings(studio):
    keys = {StudioDrawer(studio, StudioConfig(method=method)).key for method in ("UniPortrait", "IP-Adapter", "nobody")}
    assert len(keys) == 3
    assert StudioDrawer(studio, StudioConfig()).key != StudioDrawer(studio, StudioConfig(is_routed=False)).key
