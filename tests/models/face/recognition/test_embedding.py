"""A network of ours as a recogniser: vectors of faces, each by its own picture, named by its weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.models.face.recognition.embedding import Embedding
from likeness.models.face.recognition.facenet import FaceNet
from likeness.models.face.recognition.ir_embedding import IREmbedding
from likeness.tests.models.face.recognition.test_ir_embedding import published
from likeness.tests.people import crop_photo


@pytest.fixture(scope="module", params=["facenet", "ir101"])
def embedding(request):
    torch.manual_seed(0)
    network = FaceNet().eval() if request.param == "facenet" else IREmbedding.from_state_dict(published())
    return Embedding(network)


def test_each_face_is_seen_in_its_own_picture(embedding):
    pictures = [np.random.default_rng(seed).integers(0, 256, (224, 224, 3), dtype=np.uint8) for seed in range(2)]
    faces = [crop_photo(picture).taken for picture in pictures]
    found = embedding.vectors(faces, pictures)
    assert found.shape == (2, embedding.width)
    assert (found.dtype, found.requires_grad) == (torch.float32, False)
    alone = torch.cat([embedding.vectors([face], [picture]) for face, picture in zip(faces, pictures, strict=True)])
    torch.testing.assert_close(found, alone, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(found[0], found[1])
    with torch.no_grad():
        assert torch.equal(alone[:1], embedding.network(embedding.network.pixels(faces[:1], pictures[:1])))


def test_its_key_names_the_weights(embedding):
    other = IREmbedding.from_state_dict({key: value + 1 for key, value in published().items()})
    assert embedding.key == Embedding(embedding.network).key != Embedding(other).key
