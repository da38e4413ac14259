"""OmniPortrait's examples become batches, with faces as if from other photos."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.dataset.rows import ManifestRows
from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.text_encoders import encode_prompts
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.training.small_pictures import person, row, write_manifest, write_pictures
from likeness.training.batches.draws import Draws
from likeness.training.batches.index import Wanted
from likeness.training.omniportrait.crops import changed
from likeness.training.omniportrait.encode import PortraitEncoder
from likeness.training.omniportrait.pictures import PortraitDataset


def test_a_batch_has_faces_as_if_from_other_photos(tmp_path):
    base = load_base(small_checkpoint("sdxl"))
    caption = "a knight and a wizard"
    nouns = [{"word": "knight", "span": [2, 8], "person": 0}, {"word": "wizard", "span": [15, 21], "person": 1}]
    rows = [row(1), row(2, person(8, 20, 28), person(44, 20, 28), caption=caption, nouns=nouns)]
    wanted = Wanted(split="train", size=64, fewest=1, most=2, with_nouns=True)
    write_pictures(tmp_path, rows)
    data = PortraitDataset(ManifestRows(write_manifest(tmp_path, rows)), wanted, seed=0)
    examples = sorted((data[0], data[1]), key=lambda example: example.row_id)
    batch = PortraitEncoder(base=base, store=None, seed=5)(examples)
    assert batch.present.tolist() == [[True, False], [True, True]]
    assert batch.rows.tolist() == [[2, 0], [2, 5]]
    assert batch.crops.shape == (2, 2, 3, 224, 224)
    positions = tuple(example.position for example in examples)
    wide = torch.stack([torch.from_numpy(example.people[0].wide) for example in examples])[:, None].movedim(-1, 2) / 255
    heads = torch.stack([torch.from_numpy(example.people[0].head) for example in examples])[:, None] / 255
    torch.testing.assert_close(batch.crops[:, :1], changed(wide, heads, Draws(5, positions)))
    assert batch.faces.shape == (2, 2, 64, 64)
    assert torch.equal(batch.faces[1, 1], torch.from_numpy(examples[1].people[1].face) / 255)
    text = encode_prompts(base.text_encoders, ["", examples[0].caption, caption])
    torch.testing.assert_close(batch.empty, text.tokens[:1])
    torch.testing.assert_close(batch.text, text.tokens[1:])
    torch.testing.assert_close(batch.pooled, text.pooled[1:])
    torch.testing.assert_close(batch.empty_pooled, text.pooled[:1])
    alone = PortraitEncoder(base=base, store=None, seed=5)(examples[:1])
    torch.testing.assert_close(alone.crops, batch.crops[:1, :1])
    torch.testing.assert_close(alone.latents, batch.latents[:1])
