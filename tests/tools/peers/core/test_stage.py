"""What a stage begins with and how nodes replace its sockets."""

from __future__ import annotations

import pytest
from likeness.tests.tools.peers.core.definitions import chain, definitions, find
from likeness.tools.peers.core.stage import SAMPLING, SEED, Stage, out
from likeness.tools.workflows.formats import to_api
from likeness.tools.workflows.miniature import SIZE


@pytest.fixture
def stage():
    return Stage(definitions(), text="a man", pictures=3, is_masked=False)


def sampled(stage):
    stage.encode_both()
    stage.sample()
    return to_api(stage.graph)


def test_the_everyday_sampler_takes_what_has_been_put_together(stage):
    stage.patch("FreeU", b1=1.5)
    prompt = sampled(stage)
    [sampler] = find(prompt, "KSampler")
    assert chain(prompt, "model") == ["LikenessLoadMiniature", "FreeU"]
    assert {name: sampler[name] for name in SAMPLING} == dict(SAMPLING)
    assert sampler["seed"] == SEED
    assert [text["text"] for text in find(prompt, "CLIPTextEncode")] == ["a man", ""]
    assert find(prompt, "EmptyLatentImage") == [{"width": SIZE, "height": SIZE, "batch_size": 3}]


def test_every_patch_takes_the_model_of_the_one_before(stage):
    stage.patch("FreeU", b1=1.0)
    stage.patch("FreeU", b1=2.0)
    first, second = find(to_api(stage.graph), "FreeU")
    assert (first["b1"], second["b1"]) == (1.0, 2.0)
    assert first["model"] == ["1", 0] != second["model"]
    assert stage.model.node.values["b1"] == 2.0


def test_masked_latents_have_a_soft_edge():
    prompt = sampled(Stage(definitions(), text="", pictures=1, is_masked=True))
    assert chain(prompt, "latent_image")[-1] == "SetLatentNoiseMask"
    assert find(prompt, "FeatherMask")[0]["right"] == SIZE // 2
    assert find(prompt, "SolidMask")[1] == {"value": 1.0, "width": SIZE, "height": SIZE}


def test_a_mask_is_a_box_in_an_empty_picture(stage):
    stage.mask(8, 16, 24, 32)
    prompt = to_api(stage.graph)
    nowhere, box = find(prompt, "SolidMask")
    assert nowhere == {"value": 0.0, "width": SIZE, "height": SIZE}
    assert box == {"value": 1.0, "width": 24, "height": 32}
    [joined] = find(prompt, "MaskComposite")
    assert (joined["x"], joined["y"], joined["operation"]) == (8, 16, "add")


def test_two_prompts_are_combined(stage):
    stage.positive = stage.combine(stage.encode("one"), stage.encode("two"))
    [combined] = find(to_api(stage.graph), "ConditioningCombine")
    assert combined["conditioning_1"] != combined["conditioning_2"]


def test_outputs_are_taken_by_their_place(stage):
    assert out(stage.miniature, 1).kind == "CLIP"
    with pytest.raises(IndexError):
        out(stage.miniature, 99)
