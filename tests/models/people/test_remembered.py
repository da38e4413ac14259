"""Encoders that look at nothing twice, and say what they would say."""

import numpy as np
import pytest
import torch
from likeness.models.face.types import Detection
from likeness.models.people.encodings import Encodings
from likeness.models.people.remembered import (
    RememberedBackbone,
    RememberedDetector,
    RememberedEmbedder,
    RememberedImageEncoder,
    RememberedLatents,
    RememberedParser,
    RememberedRecogniser,
)
from likeness.tests.people import PixelEmbeddings, PixelMaps, PixelTokens, someone


@pytest.fixture
def pixels():
    return torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_tokens_are_the_encoder_s_own_and_each_picture_is_seen_once(pixels):
    plain, counted = PixelTokens(5), PixelTokens(5)
    encoder = RememberedImageEncoder(counted, Encodings())
    assert torch.equal(encoder.tokens(pixels[:2]), plain.tokens(pixels[:2]))
    assert torch.equal(encoder.tokens(pixels.flip(0)), plain.tokens(pixels.flip(0)))
    assert len(counted.seen) == 3
    assert (encoder.key, encoder.width) == (plain.key, 5)


def test_embeddings_are_the_embedder_s_own_and_no_tokens(pixels):
    plain, counted, store = PixelEmbeddings(5), PixelEmbeddings(5), Encodings()
    embedder = RememberedEmbedder(counted, store)
    for _ in range(2):
        assert torch.equal(embedder.embeddings(pixels), plain.embeddings(pixels))
    assert len(counted.seen) == 3
    assert (embedder.key, embedder.width) == (plain.key, 5)
    tokens = RememberedImageEncoder(PixelTokens(5, key=plain.key), store).tokens(
        pixels
    )  # another output of one network
    assert tokens.shape == (3, 257, 5)


def test_maps_are_the_backbone_s_own(pixels):
    plain, counted = PixelMaps((2, 4)), PixelMaps((2, 4))
    backbone = RememberedBackbone(counted, Encodings())
    for _ in range(2):
        for found, expected in zip(backbone.maps(pixels), plain.maps(pixels), strict=True):
            assert torch.equal(found, expected)
    assert len(counted.seen) == 3
    assert backbone.channels == (2, 4)


def test_two_encoders_with_one_key_share_what_was_said(pixels):
    store = Encodings()
    first, second, other = PixelTokens(5), PixelTokens(5), PixelTokens(5, key="other weights")
    for encoder in (first, second, other):
        RememberedImageEncoder(encoder, store).tokens(pixels)
    assert [len(encoder.seen) for encoder in (first, second, other)] == [3, 0, 3]


class Points:
    """A recogniser whose vector is the face's first point, and counts."""

    key, width = "points", 2

    def __init__(self):
        self.asked = 0

    def vectors(self, faces, pictures):
        self.asked += len(faces)
        return torch.stack([torch.from_numpy(face.points[0].copy()) for face in faces])


def test_vectors_are_kept_by_picture_and_points():
    recogniser = Points()
    remembered = RememberedRecogniser(recogniser, Encodings())
    [(photo, face)] = someone().shown
    for _ in range(2):
        assert remembered.vectors([face], [photo.picture]).tolist() == [face.points[0].tolist()]
    assert recogniser.asked == 1
    remembered.vectors([face], [photo.picture[::-1].copy()])
    assert recogniser.asked == 2


class Corners:
    """A detector that finds a face in every picture that is not black, and counts."""

    def __init__(self, size=640):
        self.size = size
        self.asked = []

    @property
    def key(self):
        return f"corners {self.size}"

    def at_size(self, size):
        other = Corners(size)
        other.asked = self.asked
        return other

    def find(self, pictures):
        for picture in pictures:
            self.asked.append(self.size)
            points = np.arange(10, dtype=np.float32).reshape(5, 2)
            yield [Detection(np.float32([0, 1, 2, 3]), points, 0.75)] if picture.any() else []


def test_faces_and_their_absence_are_kept_at_every_size():
    detector = Corners()
    remembered = RememberedDetector(detector, Encodings())
    bright, black = np.ones((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)
    for _ in range(2):
        [[face], nobody] = remembered.find([bright, black])
        assert (face.box.tolist(), face.score, nobody) == ([0, 1, 2, 3], 0.75, [])
        assert face.points.tolist() == np.arange(10).reshape(5, 2).tolist()
    assert detector.asked == [640, 640]
    list(remembered.at_size(512).find([bright]))
    assert detector.asked == [640, 640, 512]


def test_a_face_that_somebody_moves_stays_where_it_was_found():
    remembered = RememberedDetector(Corners(), Encodings())
    picture = np.ones((8, 8, 3), np.uint8)
    [[face]] = remembered.find([picture])
    face.box[:] += 5
    [[again]] = remembered.find([picture])
    assert again.box.tolist() == [0, 1, 2, 3]


def test_label_maps_are_kept_by_size_and_may_be_written_into():
    class Sizes:
        key = "sizes"

        def __init__(self):
            self.asked = []

        def labels(self, picture, size):
            self.asked.append(size)
            return np.full((size, size), size, np.uint8)

    parser = Sizes()
    remembered, picture = RememberedParser(parser, Encodings()), np.zeros((4, 4, 3), np.uint8)
    remembered.labels(picture, 4)[:] = 0
    assert remembered.labels(picture, 4).tolist() == [[4] * 4] * 4
    assert remembered.labels(picture, 8).shape == (8, 8)
    assert parser.asked == [4, 8]


def test_latents_are_kept_picture_by_picture():
    class Means:
        key = "means"

        def __init__(self):
            self.asked = 0

        def latents(self, pictures):
            self.asked += len(pictures)
            return pictures.mean((1, 2), keepdim=True)

    encoder = Means()
    remembered, pictures = RememberedLatents(encoder, Encodings()), torch.rand(2, 8, 8, 3)
    for _ in range(2):
        assert torch.equal(remembered.latents(pictures), pictures.mean((1, 2), keepdim=True))
    assert encoder.asked == 2
