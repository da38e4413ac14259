"""The face parser under ComfyUI's memory management."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError, UnknownCheckpointError
from likeness.models.face.types import Face, FaceSet
from likeness.models.images.layout import images_from_arrays
from likeness.tests.host.painted_parser import parser as parser
from likeness.tests.models.face.painted_faces import SIZE, colour_parser, face_labels, painted

pytestmark = pytest.mark.comfy


@pytest.fixture
def pictures():
    """Somebody in the first, nobody in the second."""
    return [painted(face_labels()), np.zeros((SIZE, SIZE, 3), np.uint8)]


def parse(parser, pictures, faces=None):
    from likeness.host.encoders.parser import parse_pictures

    return parse_pictures(parser, images_from_arrays(pictures), faces, size=SIZE, margin=0.0)


def faces_of(pictures, *boxes):
    """Faces at boxes, (number of the picture, x0, y0, x1, y1)."""
    found = tuple(
        Face(
            box=np.float32(box), points=np.zeros((5, 2), np.float32), score=1.0,
            crop=np.zeros((224, 224, 3), np.uint8), index=0, image_index=number, image_size=(SIZE, SIZE),
        )
        for number, *box in boxes
    )  # fmt: skip
    return FaceSet(found, tuple(pictures), "go on")


def test_labels_are_those_of_the_network(parser, pictures):
    labels = parser.labels(pictures[0], SIZE)
    assert labels.shape == (SIZE, SIZE)
    assert np.array_equal(labels, parser.parser.parse(pictures[0], SIZE))
    assert len(np.unique(labels)) > 5


def test_whole_pictures_are_parsed_at_their_own_size(parser, pictures):
    shown, labels = parse(parser, [picture[: SIZE - 6] for picture in pictures])
    assert [each.shape for each in labels] == [(SIZE - 6, SIZE)] * 2
    assert np.array_equal(shown[0], pictures[0][: SIZE - 6])
    assert len(np.unique(labels[0])) > 5
    assert not labels[1].any()


def test_with_faces_only_their_surroundings_are_looked_at(parser, pictures):
    twice = [pictures[0], pictures[0]]
    quarter = SIZE // 2
    _, (first, second) = parse(parser, twice, faces_of(twice, (1, 0, 0, quarter, quarter)))
    assert not first.any(), "no face was taken of this one"
    assert second[:quarter, :quarter].any()
    assert not second[quarter:].any()


def test_faces_of_other_pictures_are_refused(parser, pictures):
    with pytest.raises(BadImageError, match="found in 1 pictures, but image has 2"):
        parse(parser, pictures, faces_of(pictures[:1]))


def test_the_key_names_the_weights(parser):
    from likeness.host.encoders.parser import LoadedFaceParser
    from likeness.host.memory import manage

    again, other = colour_parser(), colour_parser()
    with torch.no_grad():
        next(p for p in other.parameters() if p.numel() > 1 and p.abs().max() > 0).mul_(2)
    assert LoadedFaceParser(again, manage(again)).key == parser.key
    assert LoadedFaceParser(other, manage(other)).key != parser.key


def test_another_file_is_refused(tmp_path):
    from likeness.host.encoders.parser import load_face_parser

    pytest.importorskip("facexlib")
    torch.save({"lora_unet": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(UnknownCheckpointError, match="a LoRA"):
        load_face_parser(tmp_path / "a.pth")
