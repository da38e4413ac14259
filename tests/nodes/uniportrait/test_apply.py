"""Apply UniPortrait: what reaches the method, and who is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.person import People
from likeness.tests.people import crowd

pytestmark = pytest.mark.comfy

SEEN = {
    "image_embeds": torch.ones(1, 6),
    "penultimate_hidden_states": torch.ones(1, 257, 8),
}  # what CLIP Vision Encode gives


@pytest.fixture
def apply(execute, tiny_model, adapter):
    from likeness.nodes.uniportrait.apply import ApplyUniPortrait

    given = {"model": tiny_model(), "uniportrait": adapter}
    return lambda people, **inputs: execute(ApplyUniPortrait, people=people, **(given | inputs))


@pytest.fixture
def settings(monkeypatch):
    """What the method was asked for last."""
    from likeness.nodes.uniportrait import apply as module

    asked, original = {}, module.apply

    def note(*args, **given):
        asked.update(given)
        return original(*args, **given)

    monkeypatch.setattr(module, "apply", note)
    return asked


def test_people_are_put_into_a_clone_and_shown(apply, shown):
    output = apply(crowd(2))
    model, applied, preview = output.result
    assert applied
    assert len(model.patches) == 128
    assert preview.shape[2] == 512
    assert preview.shape[1] > apply(crowd(1)).result[2].shape[1], "a line per person"
    assert shown(output) == 1


def test_nobody_passes_the_model_through_and_is_shown_all_the_same(apply):
    model, applied, preview = apply(crowd(2, strength=0.0)).result
    assert not applied
    assert model.patches == {}
    assert preview.shape == apply(crowd(2)).result[2].shape
    assert apply(People()).result[1] is False


def test_who_is_not_in_the_chain_is_said(apply):
    add, node = "LikenessAddPerson", "LikenessApplyUniPortrait"
    prompt = {
        "1": {"class_type": add, "inputs": {"name": "Ann"}},
        "2": {"class_type": add, "inputs": {"name": "Ben"}},
        "9": {"class_type": node, "inputs": {"people": ["1", 0]}},
    }
    alone = apply(crowd(1), prompt={key: prompt[key] for key in ("1", "9")}, unique_id="9").result[2]
    lost = apply(crowd(1), prompt=prompt, unique_id="9").result[2]
    assert torch.equal(alone, apply(crowd(1)).result[2])
    assert lost.shape[1] > alone.shape[1], "a sentence below the people"
    height = alone.shape[1] - 12  # the last rows are the strip's edge
    assert torch.equal(lost[:, :height], alone[:, :height])


def test_defaults_are_those_of_the_published_code(apply, settings):
    apply(crowd(2))
    assert {name: settings[name] for name in ("strength", "structure_scale", "lora_strength")} == {
        "strength": 0.7,
        "structure_scale": -1.0,
        "lora_strength": 1.0,
    }
    assert (settings["where"], settings["image_prompt"]) == (None, None)


def test_a_placement_says_where_people_are(apply):
    from likeness.host.placement import LoadedPlacement

    with pytest.raises(InvalidSettingError, match="there is none; connect uniportrait to Place People"):
        apply(crowd(2), placement=LoadedPlacement("router"))


def test_an_image_prompt_has_its_strength_and_its_mask(apply, settings, uniportrait_files, adapter):
    from likeness.host.uniportrait.adapter import load_uniportrait

    files = (uniportrait_files / f"{name}.bin" for name in ("faceid", "backbone", "router", "ip-adapter"))
    uniportrait = replace(load_uniportrait(*files), clip=adapter.clip)
    mask = torch.ones(1, 8, 8)
    apply(
        crowd(1), uniportrait=uniportrait, image_prompt=SEEN, image_prompt_mask=mask,
        image_prompt_strength=0.3,
    )  # fmt: skip
    assert settings["image_prompt"].strength == 0.3
    assert torch.equal(settings["image_prompt"].mask, mask)
    assert settings["image_prompt"].embedding is SEEN["image_embeds"]
    assert settings["image_prompt"].tokens is SEEN["penultimate_hidden_states"]
    with pytest.raises(InvalidSettingError, match="choose an IP-Adapter file"):
        apply(crowd(1), image_prompt=SEEN)
