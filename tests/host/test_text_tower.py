"""Text towers read as the prior was trained: last layer, projected, one literal chunk."""

from __future__ import annotations

import logging

import pytest
import torch
from likeness.models.clip import text_ids
from likeness.models.errors import IncompatibleBaseModelError
from likeness.tests.host.clips import NARROW, WIDE, tiny_clip, transformers_tower, unproject

pytestmark = pytest.mark.comfy

TEXTS = ("", "a man in a forest", "(a (bearded:1.3) man:0.8), embedding:thing \\(escaped\\)", "word " * 75)
TOWERS = [("sd15", "clip_l", NARROW), ("sdxl", "clip_l", NARROW), ("sdxl", "clip_g", WIDE), ("g", "clip_g", WIDE)]


def read(clip, *texts, width, **given):
    from likeness.host.text_tower import read_texts

    return read_texts(clip, texts, width=width, **given)


@pytest.mark.parametrize(("kind", "name", "width"), TOWERS)
def test_a_tower_says_what_it_says_in_transformers(kind, name, width):
    clip = tiny_clip(kind)
    found = read(clip, *TEXTS, width=width)
    pad = 49407 if name == "clip_l" else 0
    ids = [[49406, *text_ids(text)[:75], 49407] for text in TEXTS]
    rows = torch.tensor([row + [pad] * (77 - len(row)) for row in ids])
    with torch.no_grad():
        expected = transformers_tower(clip, name)(rows)
    torch.testing.assert_close(found.hidden, expected.last_hidden_state, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.pooled, expected.text_embeds, atol=1e-5, rtol=1e-5)
    before = read(clip, *TEXTS, width=width, projected=False)
    assert torch.equal(before.hidden, found.hidden)
    projection = getattr(clip.cond_stage_model, name).transformer.text_projection
    torch.testing.assert_close(projection(before.pooled), found.pooled, atol=1e-5, rtol=1e-5)
    assert found.mask.sum(1).tolist() == [len(row) for row in ids]
    assert found.mask[:, 0].all()


@pytest.mark.parametrize(("kind", "name", "width"), TOWERS)
def test_the_clip_and_what_it_encodes_stay_as_they_were(kind, name, width):
    clip = tiny_clip(kind)
    clip.clip_layer(-2)
    tokens = clip.tokenize("a (man:1.2)")
    before = clip.encode_from_tokens(tokens, return_pooled=True)
    tower = getattr(clip.cond_stage_model, name)
    state = (tower.layer, tower.layer_idx, tower.return_projected_pooled)
    read(clip, "a woman", width=width)
    assert (tower.layer, tower.layer_idx, tower.return_projected_pooled) == state
    assert clip.layer_idx == -2
    after = clip.encode_from_tokens(tokens, return_pooled=True)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_layer_that_the_user_chose_does_not_count():
    clip = tiny_clip()
    found = read(clip, "a man", width=WIDE)
    clip.clip_layer(-3)
    clip.encode_from_tokens(clip.tokenize("a man"))
    assert torch.equal(read(clip, "a man", width=WIDE).hidden, found.hidden)


def test_a_lora_of_the_text_encoder_acts():
    clip = tiny_clip()
    plain = read(clip, "a man", width=WIDE).pooled
    key = "clip_g.transformer.text_model.encoder.layers.0.mlp.fc1.weight"
    patched = clip.clone()
    assert patched.add_patches({key: (clip.cond_stage_model.state_dict()[key].clone(),)}, 1.0)
    assert not torch.equal(read(patched, "a man", width=WIDE).pooled, plain)
    assert torch.equal(read(clip, "a man", width=WIDE).pooled, plain)


def test_a_long_text_is_cut_and_said(caplog):
    with caplog.at_level(logging.WARNING):
        found = read(tiny_clip(), "", "word " * 80, "word " * 75, width=WIDE)
    assert found.dropped == (0, 5, 0)
    assert "5 tokens too long" in caplog.text
    assert torch.equal(found.hidden[1], found.hidden[2])
    assert found.mask[1].all()


def test_half_precision_is_read_in_float32():
    found = read(tiny_clip(dtype=torch.float16), "a man", width=WIDE)
    assert found.hidden.dtype == found.pooled.dtype == torch.float32


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_tower_without_a_projection_is_told(value):
    clip = unproject(tiny_clip(), value=value)
    with pytest.raises(IncompatibleBaseModelError, match=r"clip_l of this CLIP has no text projection.*Load CLIP"):
        read(clip, "a man", width=NARROW)
    assert read(clip, "a man", width=WIDE).pooled.isfinite().all()
    assert read(clip, "a man", width=NARROW, projected=False).pooled.isfinite().all()


def test_an_identity_and_stray_values_are_no_projection():
    clip = tiny_clip()
    weight = clip.cond_stage_model.clip_l.transformer.text_projection.weight.data
    kept = weight.clone()
    stray = kept.clone()
    stray[0, 0] = 1e6
    for bad in (torch.eye(NARROW), kept * (torch.arange(NARROW) % 4 == 0), stray):
        weight.copy_(bad)
        with pytest.raises(IncompatibleBaseModelError, match="no text projection"):
            read(clip, "a man", width=NARROW)
    weight.copy_(kept)
    read(clip, "a man", width=NARROW)


def test_a_clip_without_such_a_tower_is_told_what_it_has():
    with pytest.raises(IncompatibleBaseModelError, match=rf"32 wide is needed.*are clip_l \({NARROW} wide\); connect"):
        read(tiny_clip("sd15"), "a man", width=WIDE)
    with pytest.raises(IncompatibleBaseModelError, match=r"clip_l \(16 wide\), clip_g \(32 wide\); connect .*SDXL"):
        read(tiny_clip(), "a man", width=1280)
    with pytest.raises(IncompatibleBaseModelError, match=r"connect OpenAI's CLIP ViT-L/14"):
        read(tiny_clip(), "a man", width=768)


def test_other_text_encoders_are_no_towers():
    from types import SimpleNamespace

    other = SimpleNamespace(cond_stage_model=torch.nn.Sequential(torch.nn.Linear(2, 2)), tokenizer=object())
    with pytest.raises(IncompatibleBaseModelError, match="none of CLIP's"):
        read(other, "a man", width=768)


def test_the_towers_that_can_be_read_are_known():
    from likeness.host.text_tower import readable_widths

    assert set(readable_widths(tiny_clip())) == {NARROW, WIDE}
    assert readable_widths(unproject(tiny_clip())) == (WIDE,)


def test_a_cancelled_run_ends_before_the_tower_is_read():
    import comfy.model_management

    comfy.model_management.interrupt_current_processing()
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        read(tiny_clip(), "a man", width=WIDE)
