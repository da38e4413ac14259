"""The page sorts faces as Python does, and writes a region that Python reads; the page's file runs in node, without a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from likeness.models.face.analysis import Order, Selection, sort_faces
from likeness.models.face.facts import face_facts
from likeness.models.face.given import parse_region
from likeness.models.face.types import Face, FaceSet

FILE = Path(__file__).resolve().parents[1] / "web" / "js" / "faces.js"
SIZE = (300, 500)


@pytest.fixture
def call(tmp_path):
    """Call a function of the page's file; gives what it returns."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node, which runs the page's file without a browser")
    module = tmp_path / "faces.mjs"
    module.write_text(FILE.read_text("utf-8"), "utf-8")

    def run(name, *given):
        script = f"import * as page from {json.dumps(module.as_uri())};\nconsole.log(JSON.stringify(page.{name}(...{json.dumps(given)})));"
        done = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return run


def faces():
    random = np.random.default_rng(0)
    corners = random.uniform(0, 200, (12, 2))
    extents = random.uniform(10, 90, (12, 2))
    extents[5] = extents[4]
    corners[7] = corners[6]  # equal ones keep the detector's order
    extents[7] = extents[6]
    return [
        Face(
            box=np.concatenate((corner, corner + extent)).astype(np.float32),
            points=np.zeros((5, 2), np.float32),
            score=float(score),
            crop=np.zeros((224, 224, 3), np.uint8),
            index=index,
            image_index=0,
            image_size=SIZE,
        )
        for index, (corner, extent, score) in enumerate(
            zip(corners, extents, random.uniform(0.5, 1, 12).round(3), strict=True)
        )
    ]


@pytest.mark.parametrize("order", get_args(Order))
def test_faces_have_the_same_numbers_in_the_page(call, order):
    found = faces()
    told = face_facts(FaceSet(faces=tuple(found), images=(np.zeros((*SIZE, 3), np.uint8),)))
    expected = [face.index for face in sort_faces(found, Selection(order=order, point=(0.3, 0.6)))]
    shown = call("sorted", told, order, {"width": SIZE[1], "height": SIZE[0]}, [0.3, 0.6])
    assert [face["index"] for face in shown] == expected


def test_a_drawn_box_is_read_as_it_was_drawn(call):
    line = call("regionLine", [0.5, 0.75, 0.25, 0.25], {"width": SIZE[1], "height": SIZE[0]})
    [[face]] = parse_region(line, [SIZE])
    assert face.box.tolist() == [125, 75, 250, 225]


@pytest.mark.parametrize(
    "told", [None, 3, "x", {}, [None, 7, {"box": 3}, {"box": [1, 2, 3]}, {"box": [0, 0, None, 1]}]]
)
def test_what_is_no_face_is_left_out(call, told):
    assert call("sound", told) == []


def test_no_more_faces_are_drawn_than_can_be_seen(call):
    assert len(call("sound", [{"box": [0, 0, 1, 1]}] * 3000)) == 500
