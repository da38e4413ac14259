"""A small scene, small files in place of those that ship, and one thread for networks as small as these."""

from __future__ import annotations

import pytest
from likeness.tests.one_thread import one_thread as one_thread
from likeness.tools.demo.scene import Scene, drawn_people, sentences


@pytest.fixture(scope="module")
def scene():
    references, codes = drawn_people()
    one, two = sentences(codes, None)
    return Scene(references=references, codes=codes, one=one, two=two, pictures=2, steps=2, structure_scale=(0.2, 0.4))


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    pytest.importorskip("diffusers")
    from likeness.tests.miniature.small_files import write_files

    return write_files(tmp_path_factory.mktemp("small"))


@pytest.fixture
def small(paths, monkeypatch):
    """Puts files of a few channels in the place of those that ship."""
    from likeness.miniature.studio import studio
    from likeness.tools.demo import command

    for name in ("base", "faces", "uniportrait"):
        monkeypatch.setattr(studio, name.upper(), paths[name])
    monkeypatch.setattr(command, "JUDGE", paths["judge"])
