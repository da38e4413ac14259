"""The store of encodings: its keys, its bound, its order, and that nothing in it is tied to a graph or a thread."""

import threading
import time

import numpy as np
import pytest
import torch
from likeness.models.face.types import Detection
from likeness.models.people.encodings import (
    EncodingKey,
    Encodings,
    RememberedBackbone,
    RememberedDetector,
    RememberedEmbedder,
    RememberedImageEncoder,
    RememberedLatents,
    RememberedParser,
    RememberedRecogniser,
    pixels_hash,
)
from likeness.tests.people import PixelEmbeddings, PixelMaps, PixelTokens, someone


def tensors(count=4):
    return (torch.zeros(count),)  # 4 bytes each


def test_a_value_is_encoded_once():
    store, asked = Encodings(), []
    first = store.remember("a", lambda: asked.append(1) or tensors())
    assert store.remember("a", lambda: asked.append(2) or tensors()) is first
    assert asked == [1]


def test_the_least_recently_used_goes_first():
    store = Encodings(most_bytes=32)
    for key in "ab":
        store.remember(key, tensors)
    store.remember("a", tensors)  # used again
    store.remember("c", tensors)
    asked = []
    for key in "abc":
        store.remember(key, lambda key=key: asked.append(key) or tensors())
        if asked:
            break
    assert asked == ["b"]
    assert store.bytes <= 32


def test_a_value_larger_than_the_bound_is_handed_on_and_not_kept():
    store = Encodings(most_bytes=32)
    store.remember("small", tensors)
    assert store.remember("large", lambda: tensors(9))[0].shape == (9,)
    assert (len(store), store.bytes) == (1, 16)


def test_a_store_that_is_cleared_is_empty():
    store = Encodings()
    store.remember("a", lambda: tensors(8))
    assert (len(store), store.bytes) == (1, 32)
    store.clear()
    assert (len(store), store.bytes) == (0, 0)


def test_what_is_kept_is_a_copy_without_graph_or_inference_mode():
    store, weight = Encodings(), torch.ones(3, requires_grad=True)
    with torch.inference_mode():
        given = torch.ones(3)
        [inferred] = store.remember("inferred", lambda: (given,))
    [graphed] = store.remember("graphed", lambda: (weight * 2,))
    assert not inferred.is_inference()
    assert not graphed.requires_grad
    with torch.inference_mode():
        given.add_(1)
    assert inferred.tolist() == [1, 1, 1]
    inferred.clone().requires_grad_(True).sum().backward()  # a graph may be built on it


def test_an_encoder_of_inference_weights_may_be_asked_while_gradients_are_on():
    with torch.inference_mode():
        weight = torch.full((3,), 2.0)  # as ComfyUI loads a VAE
    pixels = torch.ones(3, requires_grad=True)
    with torch.enable_grad():
        [encoded] = Encodings().remember("pixels", lambda: (pixels * weight,))
    assert encoded.tolist() == [2, 2, 2]
    assert not encoded.requires_grad


def test_threads_that_ask_for_the_same_wait_for_one_of_them():
    store, asked, found = Encodings(), [], []

    def encode():
        asked.append(threading.get_ident())
        time.sleep(0.05)
        return tensors()

    threads = [threading.Thread(target=lambda: found.append(store.remember("a", encode))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert all(value is found[0] for value in found)


def test_one_value_may_be_made_of_another():
    store = Encodings()
    [outer] = store.remember("outer", lambda: (store.remember("inner", tensors)[0] + 1,))
    assert outer.tolist() == [1] * 4
    assert len(store) == 2


@pytest.mark.parametrize(
    "other",
    [
        np.zeros((2, 3, 3), np.uint8) + 1,
        np.zeros((3, 2, 3), np.uint8),
        np.zeros((2, 3, 3), np.int8),
    ],
)
def test_pixels_of_another_value_shape_or_type_have_another_hash(other):
    assert pixels_hash(np.zeros((2, 3, 3), np.uint8)) != pixels_hash(other)


def test_the_hash_does_not_depend_on_where_pixels_lie():
    array = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    assert pixels_hash(array) == pixels_hash(torch.from_numpy(array))
    assert pixels_hash(array.transpose(1, 0, 2)) == pixels_hash(np.ascontiguousarray(array.transpose(1, 0, 2)))


def test_a_key_tells_encoder_pixels_and_output_apart():
    keys = {EncodingKey("a", "b", "c"), EncodingKey("a", "c", "b"), EncodingKey("ab", "", "c")}
    assert len(keys) == 3


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
