"""What the demo asks ComfyUI for: one graph with every arm, and the pictures by arm."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.tools.comfyui.folders import ComfyFolder
from likeness.tools.demo import comfy as comfy_arm
from likeness.tools.demo.comfy import demo_graph, draw_in_comfy
from likeness.tools.demo.scene import ALONE, ARMS, BLENDED, PLAIN, ROUTED, SEED, SIZE
from PIL import Image

SAMPLER = ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise", "latent_image", "negative")
# What outputs give, and which inputs take it where they are not called by its name; see docs/nodes.md for ours.
OUTPUTS = {
    "LikenessLoadMiniature": ("MODEL", "CLIP", "VAE", "UNIPORTRAIT"),
    "LikenessAddPerson": ("PEOPLE", "IMAGE", "BOOLEAN"),
    "LikenessApplyUniPortrait": ("MODEL", "BOOLEAN", "IMAGE"),
    "LikenessShowRoutingMap": ("MASK", "IMAGE", "STRING"),
    "LoadImage": ("IMAGE", "MASK"),
    "SolidMask": ("MASK",),
    "EmptyLatentImage": ("LATENT",),
    "CLIPTextEncode": ("CONDITIONING",),
    "KSampler": ("LATENT",),
    "VAEDecode": ("IMAGE",),
}
TAKEN_AS = {
    "IMAGE": ("image", "images", "photo"),
    "MASK": ("mask",),
    "LATENT": ("latent", "latent_image", "samples"),
    "CONDITIONING": ("positive", "negative"),
}


@pytest.fixture(scope="module")
def graph(scene):
    return demo_graph(scene)


def inputs_of(graph, kind, link):
    """The inputs of the node of this kind that a link comes from."""
    node = graph[0][link[0]]
    assert node["class_type"] == kind
    return node["inputs"]


def sampler_of(graph, arm):
    saved = inputs_of(graph, "SaveImage", [graph[1][arm], 0])
    decoded = inputs_of(graph, "VAEDecode", saved["images"])
    return inputs_of(graph, "KSampler", decoded["samples"])


def people_of(graph, arm):
    """The inputs of everybody's node, the first person first."""
    link, people = inputs_of(graph, "LikenessApplyUniPortrait", sampler_of(graph, arm)["model"])["people"], []
    while link:
        people.insert(0, inputs_of(graph, "LikenessAddPerson", link))
        link = people[0].get("people")
    return people


def test_every_link_leads_from_an_earlier_output_to_an_input_of_its_kind(graph):
    nodes, _, _ = graph
    for number, node in nodes.items():
        for name, value in node["inputs"].items():
            if isinstance(value, list):
                source, slot = value
                assert int(source) < int(number)
                kind = OUTPUTS[nodes[source]["class_type"]][slot]
                assert name in TAKEN_AS.get(kind, (kind.lower(),)), (node["class_type"], name)


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.title)
def test_every_arm_shows_its_people_in_order(graph, scene, arm):
    if not arm.people:
        assert graph[0][sampler_of(graph, arm)["model"][0]]["class_type"] == "LikenessLoadMiniature"
        return
    people = people_of(graph, arm)
    names = [inputs_of(graph, "LoadImage", person["photo"])["image"] for person in people]
    assert names == [f"person-{number}.png" for number in range(1, arm.people + 1)]
    assert {person["strength"] for person in people} == {1.0}
    applied = inputs_of(graph, "LikenessApplyUniPortrait", sampler_of(graph, arm)["model"])
    assert applied["strength"] == scene.strength
    assert applied["structure_scale"] == (0.2 if arm.people == 1 else 0.4)


def test_only_the_arm_without_the_router_binds_people_to_masks_of_all_the_picture(graph):
    for arm in (ALONE, ROUTED):
        assert not any("mask" in person for person in people_of(graph, arm))
    masks = [inputs_of(graph, "SolidMask", person["mask"]) for person in people_of(graph, BLENDED)]
    assert masks == [{"value": 1.0, "width": SIZE, "height": SIZE}] * 2


def test_arms_differ_in_nothing_but_model_and_sentence(graph, scene):
    samplers = {arm: sampler_of(graph, arm) for arm in ARMS}
    [shared] = {tuple(str(sampler[name]) for name in SAMPLER) for sampler in samplers.values()}
    assert shared[:6] == (str(SEED), "2", "2.0", "euler", "simple", "1.0")
    latent = inputs_of(graph, "EmptyLatentImage", samplers[PLAIN]["latent_image"])
    assert latent == {"width": SIZE, "height": SIZE, "batch_size": 2}
    assert inputs_of(graph, "CLIPTextEncode", samplers[PLAIN]["negative"])["text"] == ""
    said = {arm: inputs_of(graph, "CLIPTextEncode", samplers[arm]["positive"])["text"] for arm in ARMS}
    assert said == {PLAIN: scene.two, ALONE: scene.one, BLENDED: scene.two, ROUTED: scene.two}
    assert len({sampler["model"][0] for sampler in samplers.values()}) == len(ARMS)


def test_the_one_routing_map_is_that_of_the_router(graph):
    nodes, saved, shown = graph
    assert [node["class_type"] for node in nodes.values()].count("LikenessShowRoutingMap") == 1
    assert nodes[shown]["class_type"] == "PreviewImage"
    picture = nodes[shown]["inputs"]["images"]
    routing = inputs_of(graph, "LikenessShowRoutingMap", picture)
    decoded = inputs_of(graph, "VAEDecode", nodes[saved[ROUTED]]["inputs"]["images"])
    assert picture[1] == 1
    wanted = {"model": sampler_of(graph, ROUTED)["model"], "latent": decoded["samples"], "view": "whole run"}
    assert routing == wanted


@pytest.fixture(scope="module")
def definitions():
    """Every class of the graph that is in ComfyUI."""
    from comfy_extras.nodes_mask import SolidMask
    from likeness.nodes import miniature
    from likeness.nodes.people import add
    from likeness.nodes.placement import routing_map
    from likeness.nodes.uniportrait import apply

    import nodes

    modules = (add, miniature, routing_map, apply)
    ours = {node.GET_SCHEMA().node_id: node for module in modules for node in module.NODES}
    return {**nodes.NODE_CLASS_MAPPINGS, "SolidMask": SolidMask, **ours}


@pytest.mark.comfy
def test_every_node_takes_what_the_graph_gives_it(graph, definitions):
    for node in graph[0].values():
        known = definitions[node["class_type"]].INPUT_TYPES()
        required, optional = known.get("required", {}), known.get("optional", {})
        assert required.keys() <= node["inputs"].keys() <= required.keys() | optional.keys()
        for name, value in node["inputs"].items():
            kind, *rest = (required | optional)[name]
            options = rest[0] if rest else {}
            where = f"{node['class_type']}, {name}"
            if isinstance(value, list):
                source = definitions[graph[0][value[0]]["class_type"]]
                assert source.RETURN_TYPES[value[1]] in kind.split(","), where
            elif isinstance(value, int | float):
                assert options["min"] <= value <= options["max"], where
            elif node["class_type"] != "LoadImage" and (isinstance(kind, list) or kind == "COMBO"):
                assert value in (kind if isinstance(kind, list) else options["options"]), where


class Server:
    """Stands for ComfyUI: every node that shows pictures shows two of a grey that its number decides."""

    asked: dict

    def __init__(self, folder, base):
        self.base, self.inputs = base, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        Server.asked = self.inputs

    def add_input(self, source):
        self.inputs[source.name] = np.asarray(Image.open(source))

    def run(self, graph):
        assert set(self.inputs) == {node["inputs"]["image"] for node in graph.values() if "LoadImage" in str(node)}
        return "entry"

    def output_files(self, entry, node):
        assert entry == "entry"
        files = [self.base / f"{node}-{number}.png" for number in range(2)]
        for file in files:
            Image.new("RGBA", (4, 8), (int(node),) * 4).save(file)
        return files


def test_pictures_come_back_from_comfyui_by_arm(scene, graph, monkeypatch, tmp_path):
    monkeypatch.setattr(comfy_arm, "ComfyServer", Server)
    pictures, maps = draw_in_comfy(scene, ComfyFolder(path=tmp_path, version="1"))
    _, saved, shown = graph
    assert pictures.keys() == set(ARMS)
    for arm, drawn in pictures.items():
        torch.testing.assert_close(drawn, torch.full((2, 3, 8, 4), int(saved[arm]) / 255))
    torch.testing.assert_close(maps, torch.full((2, 8, 4, 3), int(shown) / 255))
    for number, reference in enumerate(scene.references, 1):
        assert np.array_equal(Server.asked[f"person-{number}.png"], reference)
