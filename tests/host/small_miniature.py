"""Load Miniature on files of a few channels, and a face for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_files import write_files_with_adapters
from torch import nn

NAMES = (  # of everything that it reads
    "base",
    "faces",
    "uniportrait",
    "consistentid",
    "omniportrait",
    "ip_adapter",
    "facestudio",
    "style_adapter",
    "prior",
)
WIDE = replace(SIZES, text=64)  # what the loader of ConsistentID's file takes heads of 64 for
SIDE = 96  # of the photo, pixels


def write(folder):
    """Write the files into a folder; gives their paths by name."""
    return write_files_with_adapters(folder, WIDE)


def load(paths):
    """What the node hands on, of these files."""
    import likeness.host.miniature as module

    with pytest.MonkeyPatch.context() as patched:
        for name in NAMES:
            patched.setattr(module, name.upper(), paths[name])
        loaded = module.load_miniature()
        assert loaded.omniportrait.adapter  # read while the names are ours
        return loaded


def one_face(paths):
    """The one face of a picture, as Detect Faces gives it, and what found it."""
    from likeness.host.encoders.detector import DrawnFaces, detect_faces
    from likeness.host.memory import manage
    from likeness.models.miniature.files import read_face_networks

    noise = torch.rand(1, 12, 12, 3, generator=torch.Generator().manual_seed(0))
    picture = nn.functional.interpolate(noise.movedim(-1, 1), (SIDE, SIDE), mode="bilinear").movedim(1, -1)
    detector = DrawnFaces(manage(read_face_networks(paths["faces"]).finder))
    found = detect_faces(picture, detector)
    assert len(found.faces) == 1
    return found, detector
