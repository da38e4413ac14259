"""The parser that reads painted faces, loaded as ComfyUI would."""

from __future__ import annotations

import pytest
from likeness.tests.models.face.painted_faces import colour_parser


@pytest.fixture(scope="module")
def parser():
    """A loaded face parser that finds every region of a painted face where it was painted."""
    from likeness.host.encoders.parser import LoadedFaceParser
    from likeness.host.memory import manage

    network = colour_parser()
    return LoadedFaceParser(network, manage(network))
