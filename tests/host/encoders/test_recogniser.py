"""Recognisers by the choice of a widget."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import MissingModelFileError

pytestmark = pytest.mark.comfy


def test_drawn_faces_are_recognised_without_a_file_and_the_network_is_loaded_once():
    import numpy as np
    from likeness.host.encoders.detector import DRAWN, drawn_faces
    from likeness.host.encoders.recogniser import choose_recogniser
    from likeness.models.face.analysis import analyze
    from likeness.models.miniature.files import PORTRAITS
    from PIL import Image

    recogniser = choose_recogniser("auto", DRAWN)
    assert choose_recogniser("auto", DRAWN) is recogniser
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in PORTRAITS]
    faces = analyze(pictures, drawn_faces()).faces
    with torch.inference_mode():
        one, other = torch.nn.functional.normalize(recogniser.vectors(faces, pictures), dim=-1)
    assert one.shape == (recogniser.width,)
    assert float(one @ other) < 0.9


def test_a_missing_file_is_told_with_what_to_do():
    from likeness.host.encoders.recogniser import choose_recogniser

    with pytest.raises(MissingModelFileError, match=r"no w600k_r50.onnx; put it there .* or choose left to right"):
        choose_recogniser("auto")
    with pytest.raises(MissingModelFileError, match=r"put it there .* or take one photo\.$"):
        choose_recogniser("auto", otherwise="take one photo")
