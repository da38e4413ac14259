"""UniPortrait's workflows."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, chain, node_of, nodes_of, real_nodes, source
from likeness.tools.workflows.uniportrait import WORKFLOWS


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_further_person_costs_one_node_of_ours(count):
    name = f"UniPortrait - {('one person', 'two people', 'three people')[count - 1]}"
    ours = [node.kind for node in real_nodes(built(name)) if node.kind.startswith("Likeness")]
    assert len(ours) == 2 + count + (count > 1)
    assert ours.count("LikenessAddPerson") == count


@pytest.mark.parametrize("name", WORKFLOWS)
def test_everybody_of_the_chain_is_applied(name):
    graph = built(name)
    applied = nodes_of(graph, "LikenessApplyUniPortrait")[0]
    assert chain(source(applied, "people")) == nodes_of(graph, "LikenessAddPerson")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_settings_are_those_of_the_published_app(name):
    for node in nodes_of(built(name), "KSampler"):
        chosen = [node.values[key] for key in ("steps", "cfg", "sampler_name", "scheduler")]
        assert chosen == [25, 7.5, "ddim", "ddim_uniform"]
    for node in nodes_of(built(name), "LikenessApplyUniPortrait"):
        assert (node.values["strength"], node.values["structure_scale"]) == (0.7, -1)


def test_masks_hold_one_person_and_leave_the_rest_to_the_other():
    graph = built("UniPortrait - two people inside masks")
    first, second = nodes_of(graph, "LikenessAddPerson")
    mask = source(first, "mask")
    assert source(second, "mask") is None
    half, latent = source(mask, "source"), node_of(graph, "EmptyLatentImage")
    assert (half.values["width"] * 2, half.values["height"]) == (latent.values["width"], latent.values["height"])
    empty = source(mask, "destination")
    assert (empty.values["value"], empty.values["width"]) == (0.0, latent.values["width"])


def test_poses_reach_the_sampler_through_both_prompts_and_people_through_the_lora_s_model():
    graph = built("UniPortrait - two people in a given pose")
    sampler, posed = node_of(graph, "KSampler"), node_of(graph, "ControlNetApplyAdvanced")
    assert source(sampler, "positive") is source(sampler, "negative") is posed
    assert [sampler.sources[name].slot for name in ("positive", "negative")] == [0, 1]
    applied = source(sampler, "model")
    assert source(applied, "model") is node_of(graph, "LoraLoader")
