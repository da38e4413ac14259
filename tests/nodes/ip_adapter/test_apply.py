"""Apply IP-Adapter: what reaches the method, and what is shown."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.person import People
from likeness.tests.host.ip_adapter.conftest import SEEN
from likeness.tests.people import crowd

pytestmark = pytest.mark.comfy


@pytest.fixture
def apply(execute, tiny_model, ip_adapter):
    from likeness.nodes.ip_adapter.apply import ApplyIPAdapter

    def run(network="plus", **inputs):
        return execute(ApplyIPAdapter, **({"model": tiny_model(), "ip_adapter": ip_adapter(network)} | inputs))

    return run


@pytest.fixture
def settings(monkeypatch):
    """What the method was asked for last."""
    from likeness.nodes.ip_adapter import apply as module

    asked, original = {}, module.apply

    def note(*args, **given):
        asked.update(given, people=args[2])
        return original(*args, **given)

    monkeypatch.setattr(module, "apply", note)
    return asked


def picture(count=1):
    return torch.rand(count, 32, 48, 3, generator=torch.Generator().manual_seed(3))


def test_people_are_put_into_a_clone_and_shown(apply, shown):
    output = apply("faceid", people=crowd(1))
    model, applied, preview = output.result
    assert applied
    assert len(model.patches) == 128
    assert preview.shape[2] == 512
    assert shown(output) == 1


def test_what_the_file_was_taken_for_is_shown(apply, ip_adapter, monkeypatch):
    from likeness.nodes.ip_adapter import apply as module

    notes = []
    original = module.applied_output
    monkeypatch.setattr(module, "applied_output", lambda *args: notes.append(args[2]) or original(*args))
    apply("faceid plus", people=crowd(1))
    assert "Taken as FaceID Plus, for its name does not say FaceID PlusV2" in notes[-1]
    apply("faceid", people=crowd(1), ip_adapter=ip_adapter("faceid", lora=False))
    assert "likeness will be weaker" in notes[-1]


def test_nobody_and_nothing_passes_the_model_through(apply):
    for inputs in (
        {},
        {"people": People()},
        {"people": crowd(1, strength=0.0)},
        {"picture": picture(), "picture_strength": 0.0},
    ):
        model, applied, _ = apply(**inputs).result
        assert not applied
        assert model.patches == {}


def test_defaults_are_those_of_the_published_code(apply, settings):
    apply(picture=picture())
    looking, pictures = settings["looking"], settings["pictures"]
    assert (settings["strength"], settings["lora_strength"], settings["blocks"], settings["where"]) == (
        1,
        1,
        "linear",
        None,
    )
    assert (looking.crop, looking.s_scale, looking.negative, looking.unwanted) == ("centre", 1, "reference", None)
    assert (pictures.strength, pictures.combination, pictures.scaling, pictures.mask) == (1, "concat", "V only", None)
    assert (pictures.start_percent, pictures.end_percent) == (0, 1)


def test_every_widget_reaches_the_method(apply, settings):
    mask = torch.ones(1, 8, 8)
    apply(
        picture=picture(2), picture_mask=mask, picture_strength=0.4, blocks="style transfer", structure_scale=0.5, crop="pad",
        negative="picture", negative_picture=picture(), combine="average", embeds_scaling="K+V", start_percent=0.1,
        end_percent=0.9, strength=0.3, lora_strength=0.2,
    )  # fmt: skip
    looking, pictures = settings["looking"], settings["pictures"]
    assert (settings["strength"], settings["lora_strength"], settings["blocks"]) == (0.3, 0.2, "style transfer")
    assert (looking.crop, looking.s_scale, looking.negative, looking.unwanted.shape) == (
        "pad",
        0.5,
        "picture",
        (32, 48, 3),
    )
    assert (pictures.strength, pictures.combination, pictures.scaling) == (0.4, "average", "K+V")
    assert (pictures.start_percent, pictures.end_percent) == (0.1, 0.9)
    assert len(pictures.pictures) == 2
    assert pictures.mask is mask


def test_numbers_come_before_the_choice_of_blocks(apply, settings):
    apply(picture=picture(), block_weights="1, 0.5 " * 8)
    assert settings["blocks"] == (1.0, 0.5) * 8
    with pytest.raises(InvalidSettingError, match='block_weights holds "half", which is no number'):
        apply(picture=picture(), block_weights="1, half")


def test_a_missing_negative_picture_is_said(apply):
    with pytest.raises(InvalidSettingError, match="negative side is to be a picture, but none is connected"):
        apply(picture=picture(), negative="picture")


def test_an_embedding_comes_in_place_of_a_picture(apply, settings):
    from likeness.host.picture_embeddings import as_clip_vision_output

    given = as_clip_vision_output(torch.ones(1, SEEN))
    assert apply("plain", picture_embedding=given, picture_strength=0.4).result[1]
    assert torch.equal(settings["pictures"].embeddings, torch.ones(1, SEEN))
    assert (settings["pictures"].pictures, settings["pictures"].strength) == (None, 0.4)
    with pytest.raises(InvalidSettingError, match="both are connected; connect one"):
        apply("plain", picture=picture(), picture_embedding=given)
