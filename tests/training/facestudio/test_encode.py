"""Examples to batches: styles, face vectors of length 1, nobody's face, and a cache that changes nothing but the work."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("onnx")
pytest.importorskip("insightface")

from likeness.diffusers_host.base import load_base
from likeness.models.face import insightface
from likeness.models.face.insightface import ArcFace, embed
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.training.facestudio.small_facestudio import write_style
from likeness.tests.training.ip_adapter.small_faceid import write_recogniser
from likeness.training.batches.examples import Crop, Example
from likeness.training.facestudio.encode import StylePictureEncoder, open_caches
from likeness.training.facestudio.pictures import Sources
from likeness.training.facestudio.style_network import load_style_network

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base():
    return load_base(small_checkpoint("sd15"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_recogniser(folder / "arc.onnx")
    for seed in (0, 1):
        write_style(folder / f"style{seed}.safetensors", seed=seed)
    return folder


@pytest.fixture(scope="module")
def recogniser(files):
    return ArcFace(files / "arc.onnx")


@pytest.fixture(scope="module")
def network(files):
    return load_style_network("vitl", [files / "style0.safetensors"], CPU)


def pixels(seed: int, size: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def example(position: int, *, somebody=True) -> Example:
    face = Crop(f"face {position}", pixels(100 + position, 112)) if somebody else None
    style = Crop(f"style {position}", pixels(200 + position, 224))
    return Example(
        position=position, row_id=str(position), key=f"picture {position}", pixels=pixels(position, 64),
        caption="a woman", facial_caption=None, sizes=(64, 80, 0, 8, 64, 64), passed_over=(),
        people=(Sources(style=style, face=face),),
    )  # fmt: skip


def encoder(base, network, recogniser, folder=None):
    caches = folder and open_caches(folder, base, network, recogniser)
    return StylePictureEncoder(base=base, network=network, recogniser=recogniser, caches=caches, seed=7)


def test_a_batch_holds_styles_and_vectors_of_length_1(base, network, recogniser):
    examples = [example(4), example(5, somebody=False), example(6)]
    batch = encoder(base, network, recogniser)(examples)
    assert batch.positions == (4, 5, 6)
    assert batch.latents.shape == (3, 4, 8, 8)
    assert batch.sizes.tolist() == [[64, 80, 0, 8, 64, 64]] * 3
    styles = np.stack([one.people[0].style.pixels for one in examples])
    assert torch.equal(batch.style, network.embeddings(styles))
    raw = torch.from_numpy(embed(examples[2].people[0].face.pixels, recogniser.path))
    torch.testing.assert_close(batch.face[2], raw / raw.norm())
    assert not batch.face[1].any()
    assert not torch.equal(batch.face[0], batch.face[2])


def test_pictures_of_nobody_need_no_recogniser(base, network, recogniser, monkeypatch):
    monkeypatch.setattr(insightface, "embed", lambda *_: pytest.fail("described nobody"))
    batch = encoder(base, network, recogniser)([example(1, somebody=False)])
    assert batch.face.shape == (1, 512)
    assert not batch.face.any()


def test_a_cache_changes_nothing_and_nothing_is_encoded_twice(base, network, recogniser, tmp_path, monkeypatch):
    examples = [example(0), example(1), example(2, somebody=False)]
    plain, keeping = encoder(base, network, recogniser)(examples), encoder(base, network, recogniser, tmp_path)
    assert not keeping.caches.hold("style 0")
    whole = keeping(examples)
    for name in ("style", "face", "latents"):
        torch.testing.assert_close(getattr(whole, name), getattr(plain, name), atol=1e-5, rtol=1e-5)
    kept = ("style 0", "style 2", "face 0", "face 1", "picture 0")
    assert all(keeping.caches.hold(key) for key in kept)
    monkeypatch.setattr(base.vae, "encode", lambda *_: pytest.fail("encoded twice"))
    monkeypatch.setattr(insightface, "embed", lambda *_: pytest.fail("described twice"))
    monkeypatch.setattr(type(network), "embeddings", lambda *_: pytest.fail("looked at twice"))
    again = encoder(base, network, recogniser, tmp_path)(examples)
    assert all(torch.equal(getattr(again, name), getattr(whole, name)) for name in ("style", "face", "latents"))


def test_other_clip_models_have_another_cache(base, network, recogniser, files, tmp_path):
    other = load_style_network("vitl", [files / "style1.safetensors"], CPU)
    before, after = (open_caches(tmp_path, base, each, recogniser) for each in (network, other))
    assert before.latents == after.latents
    assert before.vectors == after.vectors
    assert before.styles != after.styles
