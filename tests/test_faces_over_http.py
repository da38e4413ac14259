"""Right after install: a face in a real photo is found over HTTP, with no model file but the miniature's."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.tests.models.face.photographs import ASTRONAUT_POINTS, astronaut
from likeness.tools.comfyui.server import ComfyRunError
from PIL import Image

pytestmark = pytest.mark.comfy

WIDGETS = {
    "detector": "auto",
    "region": "",
    "order": "largest first",
    "take": "all",
    "number": 1,
    "point_x": 0.5,
    "point_y": 0.5,
    "min_score": 0.5,
    "on_no_face": "error",
}


@pytest.fixture
def crops_of(miniature_server):
    """A function: the crops of all faces that Detect Faces finds in a picture, (N, 224, 224, 3) uint8."""

    def run(picture, name, **widgets):
        Image.fromarray(picture).save(miniature_server.base / "input" / name)
        prompt = {
            "1": {"class_type": "LoadImage", "inputs": {"image": name}},
            "2": {"class_type": "LikenessDetectFaces", "inputs": {"image": ["1", 0], **WIDGETS, **widgets}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 2], "filename_prefix": f"faces-{name}"}},
        }
        files = miniature_server.output_files(miniature_server.run(prompt), "3")
        return np.stack([np.asarray(Image.open(file)) for file in files])

    return run


@pytest.mark.parametrize("widgets", [{}, {"detector": "mtcnn", "refine_points": False}], ids=["as saved before", "new"])
def test_the_face_is_found_and_upright_in_its_crop(crops_of, widgets):
    from likeness.models.face.alignment import align

    [crop] = crops_of(astronaut(), "astronaut.png", **widgets)
    expected = align(astronaut(), ASTRONAUT_POINTS)
    assert crop.shape == expected.shape
    assert np.abs(crop.astype(int) - expected).mean() < 12, (
        "grey levels; points that are off by four pixels differ by 28"
    )


def test_a_picture_without_a_face_is_one_sentence(crops_of):
    with pytest.raises(ComfyRunError, match="No face was found in image 1 of 1"):
        crops_of(np.full((64, 64, 3), 200, np.uint8), "wall.png")
