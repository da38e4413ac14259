"""A prior's examples to batches: captions, the empty text, embeddings, and a cache of these."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.diffusers_host.text_tower import load_text_tower, read_texts
from likeness.tests.training.facestudio.prior.small_prior import tower_weights
from likeness.tests.training.facestudio.small_facestudio import write_style
from likeness.training.batches.examples import Crop, Example
from likeness.training.facestudio.encode import style_store
from likeness.training.facestudio.prior.encode import PairEncoder
from likeness.training.facestudio.style_network import load_style_network


def example(position: int, caption: str) -> Example:
    pixels = np.random.default_rng(position).integers(0, 256, (224, 224, 3), np.uint8)
    return Example(
        position=position, row_id=str(position), key=f"picture {position}", pixels=None, caption=caption,
        facial_caption=None, sizes=(64, 80, 0, 8, 64, 64), passed_over=(), people=(Crop(f"style {position}", pixels),),
    )  # fmt: skip


def test_a_batch_holds_texts_the_empty_one_and_embeddings(tmp_path, monkeypatch):
    tower = load_text_tower(tower_weights())
    network = load_style_network("vitl", [write_style(tmp_path / "style.safetensors")], torch.device("cpu"))
    examples = [example(3, "a cat"), example(4, "")]
    batch = PairEncoder(tower=tower, network=network, store=None)(examples)
    said = read_texts(tower, ["", "a cat"])
    assert batch.positions == (3, 4)
    torch.testing.assert_close(batch.hidden[0], said.hidden[1])
    torch.testing.assert_close(batch.hidden[1:], batch.empty_hidden)
    torch.testing.assert_close(batch.pooled, said.pooled[[1, 0]])
    assert torch.equal(batch.mask, said.mask[[1, 0]])
    assert torch.equal(batch.empty_mask, said.mask[:1])
    pixels = np.stack([one.people[0].pixels for one in examples])
    assert torch.equal(batch.embedding, network.embeddings(pixels))
    keeping = PairEncoder(tower=tower, network=network, store=style_store(tmp_path, network))
    kept = keeping(examples)
    monkeypatch.setattr(type(network), "embeddings", lambda *_: pytest.fail("looked at twice"))
    assert torch.equal(keeping(examples).embedding, kept.embedding)
