"""Examples to batches: face vectors of length 1, the empty prompt, and a cache that changes nothing but the work."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("onnx")
pytest.importorskip("insightface")

from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.text_encoders import encode_prompts
from likeness.models.face import insightface
from likeness.models.face.insightface import ArcFace, embed
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.models.face import synthetic_detectors
from likeness.tests.training.ip_adapter.small_faceid import write_recogniser
from likeness.training.batches.examples import Crop, Example
from likeness.training.ip_adapter.encode import FacePictureEncoder, open_caches


@pytest.fixture(scope="module", params=["sd15", "sdxl"])
def base(request):
    return load_base(small_checkpoint(request.param))


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    return ArcFace(write_recogniser(tmp_path_factory.mktemp("recogniser") / "arc.onnx"))


def pixels(seed: int, size: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def example(position: int, key: str | None = None) -> Example:
    return Example(
        position=position, row_id=str(position), key=f"picture {position}", pixels=pixels(position, 64),
        caption="a woman", facial_caption=None, sizes=(64, 80, 0, 8, 64, 64), passed_over=(),
        people=(Crop(key, pixels(100 + position, 112)),),
    )  # fmt: skip


def encoder(base, recogniser, folder=None):
    caches = folder and open_caches(folder, base, recogniser)
    return FacePictureEncoder(base=base, recogniser=recogniser, caches=caches, seed=7)


def same(one, other):
    names = ("latents", "text", "sizes", "vectors")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def test_a_batch_holds_pictures_prompts_and_vectors_of_length_1(base, recogniser):
    examples = [example(4), example(5)]
    batch = encoder(base, recogniser)(examples)
    assert batch.positions == (4, 5)
    assert batch.latents.shape == (2, 4, 8, 8)
    said = encode_prompts(base.text_encoders, ["", "a woman"])
    assert torch.equal(batch.empty, said.tokens[:1])
    torch.testing.assert_close(batch.text[1:], said.tokens[1:])
    if said.pooled is None:
        assert (batch.pooled, batch.empty_pooled) == (None, None)
    else:
        torch.testing.assert_close(batch.empty_pooled, said.pooled[:1])
        assert batch.pooled.shape[0] == 2
    for vector, one in zip(batch.vectors, examples, strict=True):
        raw = torch.from_numpy(embed(one.people[0].pixels, recogniser.path))
        torch.testing.assert_close(vector, raw / raw.norm())
    assert not torch.equal(*batch.vectors)


def test_a_cache_changes_nothing_and_nothing_is_encoded_twice(base, recogniser, tmp_path, monkeypatch):
    examples = [example(0, "one"), example(1, "two")]
    plain, keeping = encoder(base, recogniser)(examples), encoder(base, recogniser, tmp_path)
    assert not keeping.caches.hold("one")
    whole = keeping(examples)
    torch.testing.assert_close(whole.vectors, plain.vectors)
    torch.testing.assert_close(whole.latents, plain.latents, atol=1e-5, rtol=1e-5)
    assert all(keeping.caches.hold(key) for key in ("one", "two", "picture 0", "picture 1"))
    monkeypatch.setattr(base.vae, "encode", lambda *_: pytest.fail("encoded twice"))
    monkeypatch.setattr(insightface, "embed", lambda *_: pytest.fail("described twice"))
    assert same(encoder(base, recogniser, tmp_path)(examples), whole)


def test_another_recogniser_has_another_cache(base, recogniser, tmp_path):
    other = tmp_path / "other.onnx"
    synthetic_detectors.landmarks(other)
    before, after = (open_caches(tmp_path, base, each) for each in (recogniser, ArcFace(other)))
    assert before.latents == after.latents
    assert before.vectors != after.vectors
