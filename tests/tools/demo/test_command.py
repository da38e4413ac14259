"""The demo on the miniature: what it asks ComfyUI for, whom it draws, and what it says about the pictures."""

from __future__ import annotations

import signal
import sys
from functools import partial

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.studio import studio
from likeness.miniature.studio.drawing import Settings, decode, draw_latents
from likeness.miniature.studio.euler import cpu_noise
from likeness.miniature.world.captions import vocabulary
from likeness.miniature.world.people.identity import EYES, HAIR_COLOUR, NOUNS, SKIN, identities, numbers_of
from likeness.miniature.world.world import World
from likeness.models.clip.tokens import encode
from likeness.models.errors import NoFaceFoundError
from likeness.models.images.contact_sheet import contact_sheet
from likeness.tests.miniature.observer import read_colours
from likeness.tests.miniature.small_files import write_files
from likeness.tests.miniature.verdicts import verdict_of
from likeness.tests.one_thread import one_thread as one_thread
from likeness.tools.comfyui.folders import REPOSITORY, ComfyFolder
from likeness.tools.demo import comfy as comfy_arm
from likeness.tools.demo import command as demo
from likeness.tools.demo import report
from likeness.tools.demo.comfy import demo_graph, draw_in_comfy
from likeness.tools.demo.diffusers import draw_on_diffusers
from likeness.tools.demo.report import Line, save_grid, score, strangers, table
from likeness.tools.demo.scene import (
    ALONE,
    ARMS,
    BLENDED,
    PEOPLE,
    PLAIN,
    ROUTED,
    SEED,
    SIZE,
    Scene,
    drawn_people,
    read_people,
    sentences,
)
from PIL import Image

FIRST, SECOND = (list(person) for person in PEOPLE)
SAMPLER = ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise", "latent_image", "negative")
# What outputs give, and which inputs take it where they are not called by its name; see docs/nodes.md for ours.
OUTPUTS = {
    "LikenessLoadMiniature": (
        "MODEL",
        "CLIP",
        "VAE",
        "CLIP_VISION",
        "FACE_ANALYSIS",
        "UNIPORTRAIT",
        "FACE_PARSER",
        "CONSISTENTID",
    ),
    "LikenessDetectFaces": ("FACES", "IMAGE", "IMAGE", "BOOLEAN", "INT"),
    "LikenessAddUniPortraitIdentity": ("IDENTITIES", "IMAGE", "BOOLEAN"),
    "LikenessApplyUniPortrait": ("MODEL", "BOOLEAN"),
    "LikenessShowRoutingMap": ("MASK", "IMAGE", "STRING"),
    "LoadImage": ("IMAGE", "MASK"),
    "SolidMask": ("MASK",),
    "EmptyLatentImage": ("LATENT",),
    "CLIPTextEncode": ("CONDITIONING",),
    "KSampler": ("LATENT",),
    "VAEDecode": ("IMAGE",),
}
TAKEN_AS = {
    "IMAGE": ("image", "images"),
    "MASK": ("mask",),
    "FACES": ("photo",),
    "LATENT": ("latent", "latent_image", "samples"),
    "CONDITIONING": ("positive", "negative"),
}


@pytest.fixture(scope="module")
def scene():
    references, codes = drawn_people()
    one, two = sentences(codes, None)
    return Scene(references=references, codes=codes, one=one, two=two, pictures=2, steps=2, structure_scale=(0.2, 0.4))


@pytest.fixture(scope="module")
def graph(scene):
    return demo_graph(scene)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("small"))


@pytest.fixture
def small(paths, monkeypatch):
    """Puts files of a few channels in the place of those that ship."""
    for name in ("base", "faces", "uniportrait"):
        monkeypatch.setattr(studio, name.upper(), paths[name])
    monkeypatch.setattr(demo, "JUDGE", paths["judge"])


# ------------------------------------------------------------------------------------------------- the graph


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
    link, people = inputs_of(graph, "LikenessApplyUniPortrait", sampler_of(graph, arm)["model"])["identities"], []
    while link:
        people.insert(0, inputs_of(graph, "LikenessAddUniPortraitIdentity", link))
        link = people[0].get("identities")
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
    photos = [inputs_of(graph, "LikenessDetectFaces", person["photo"]) for person in people]
    names = [inputs_of(graph, "LoadImage", photo["image"])["image"] for photo in photos]
    assert names == [f"person-{number}.png" for number in range(1, arm.people + 1)]
    assert {person["strength"] for person in people} == {scene.strength}
    applied = inputs_of(graph, "LikenessApplyUniPortrait", sampler_of(graph, arm)["model"])
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
    assert routing == {"model": sampler_of(graph, ROUTED)["model"], "latent": decoded["samples"]}


@pytest.fixture(scope="module")
def definitions():
    """Every class of the graph that is in ComfyUI."""
    from comfy_extras.nodes_mask import SolidMask
    from likeness.nodes import miniature
    from likeness.nodes.evaluation import routing_map
    from likeness.nodes.faces import detect
    from likeness.nodes.uniportrait import adapter
    from likeness.nodes.uniportrait import people as uniportrait_identity

    import nodes

    modules = (detect, miniature, routing_map, adapter, uniportrait_identity)
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


# ------------------------------------------------------------------------------------------- people and words


def test_the_people_are_ones_whom_no_network_has_seen_and_differ_in_all_that_is_scored(scene):
    assert torch.isin(numbers_of(scene.codes), identities("held out")).all()
    first, second = scene.codes
    assert (first != second)[[SKIN, HAIR_COLOUR, EYES]].all()
    assert [reference.shape for reference in scene.references] == [(SIZE, SIZE, 3)] * 2


def test_sentences_name_the_people_in_words_of_the_world(scene):
    known = set(encode(vocabulary()))
    for first, one in enumerate(NOUNS):
        for second, other in enumerate(NOUNS):
            about_one, about_both = sentences(torch.tensor([[first, *FIRST[1:]], [second, *SECOND[1:]]]), None)
            assert about_one.startswith(f"a {one} ")
            assert about_both.index(f"a {one} ") < about_both.index(f" a {other} ")
            assert set(encode(about_one)) | set(encode(about_both)) <= known


def test_a_prompt_of_the_users_stands_for_the_sentence_about_both(scene):
    assert sentences(scene.codes, "a girl and a boy") == (scene.one, "a girl and a boy")


class Sees:
    """Stands for the judge: sees in every picture what its grey is said to mean."""

    def __init__(self, said, otherwise=list):
        self.said, self.otherwise = said, otherwise

    def read(self, pictures):
        if pictures.min() != pictures.max():
            return self.otherwise(pictures)
        return [verdict_of(*people) for people in self.said[round(float(pictures[0, 0, 0, 0]) * 255)]]


@pytest.fixture
def photos(tmp_path):
    files = [tmp_path / f"photo-{number}.png" for number in (1, 2)]
    for number, file in enumerate(files, 1):
        Image.new("RGBA", (40, 30), (number,) * 4).save(file)
    return files


def test_whom_the_judge_sees_in_photos_is_drawn(photos):
    (first, second), codes = read_people(photos, Sees({1: [[SECOND]], 2: [[FIRST, SECOND]]}))
    assert codes.tolist() == [SECOND, FIRST]
    assert first.shape == second.shape == (30, 40, 3)
    assert (first.max(), second.min()) == (1, 2)


def test_a_photo_without_a_drawn_face_is_refused_in_one_sentence(photos):
    with pytest.raises(NoFaceFoundError, match=r"No drawn face .* photo-2\.png; .* workflows/portraits\.$") as error:
        read_people(photos, Sees({1: [[FIRST]], 2: [[]]}))
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------------------------------------- the report


def greys(values):
    return {arm: torch.full((2, 3, 8, 8), value / 255) for arm, value in zip(ARMS, values, strict=True)}


def test_strangers_are_none_of_the_two_and_unseen(scene):
    others = strangers(scene.codes)
    assert others.shape == (8, 7)
    assert len(others.unique(dim=0)) == 8
    assert torch.isin(numbers_of(others), identities("held out")).all()
    without = strangers(torch.stack((others[3], scene.codes[0])))
    assert torch.equal(without, torch.cat((others[:3], others[4:])))


def test_the_table_counts_what_the_judge_sees(scene):
    said = {
        1: [[], [FIRST]],
        2: [[FIRST], [[*FIRST[:SKIN], 0, *FIRST[SKIN + 1 :]]]],
        3: [[FIRST, FIRST], [SECOND, FIRST]],
        4: [[SECOND, FIRST], [FIRST, SECOND]],
    }
    judge = Sees(said, lambda pictures: [verdict_of(FIRST, SECOND)] * len(pictures))
    assert score(judge, scene, greys((1, 2, 3, 4))) == [
        Line("chance, one face", (1 / 6, 1 / 6, 1 / 4), None),
        Line(PLAIN.title, (0.25, 0.25, 0.25), 0.0),
        Line(ALONE.title, (0.5, 1.0, 1.0), 1.0),
        Line(BLENDED.title, (0.75, 0.75, 0.75), 0.5),
        Line(ROUTED.title, (1.0, 1.0, 1.0), 1.0),
        Line("the same, against two strangers", (0.0, 0.5, 0.0), 0.0),  # one of them has the first one's hair colour
        Line("drawn by the world itself", (1.0, 1.0, 1.0), 1.0),
    ]


def test_true_pictures_show_the_two_people(scene, monkeypatch):
    monkeypatch.setattr(report, "TRUE_PICTURES", 4)

    def observe(pictures):
        world = World(seed=report.WORLD_SEED, split="held out", with_regions=True)
        true = world.scenes(range(4), people=(2, 2), codes=scene.codes.expand(4, -1, -1))
        assert torch.equal(true.image, pictures)
        seen = scene.codes.expand(4, -1, -1).clone()
        seen[..., [SKIN, HAIR_COLOUR, EYES]] = read_colours(true)
        return [verdict_of(*people) for people in seen.tolist()]

    judge = Sees({grey: [[], []] for grey in range(4)}, observe)
    *_, last = score(judge, scene, greys(range(4)))
    assert last == Line("drawn by the world itself", (1.0, 1.0, 1.0), 1.0)


def test_the_table_is_aligned_and_says_how_many_pictures_it_counts():
    lines = [Line("chance", (0.125, 0.25, 0.5), None), Line("the same, against two strangers", (1, 0, 0.5), 0.75)]
    head, chance, same, note = table(lines, 6).splitlines()
    assert head.split("  ")[-1].strip() == "recognised"
    assert [head.index(name) + len(name) for name in ("skin", "hair colour", "eyes", "recognised")] == [47, 60, 73, 86]
    assert [float(chance[end - 13 : end]) for end in (47, 60, 73)] == [0.12, 0.25, 0.5]
    assert len(chance) == 73
    assert [float(same[end - 13 : end]) for end in (47, 60, 73, 86)] == [1, 0, 0.5, 0.75]
    assert "6 pictures a line" in note


def test_the_grid_shows_everything_with_its_caption(scene, monkeypatch, tmp_path):
    shown = []

    def watched(pictures, captions, *, columns):
        shown.extend(zip(captions, pictures, strict=True))
        return contact_sheet(pictures, captions, columns=columns)

    monkeypatch.setattr(report, "contact_sheet", watched)
    pictures = greys((10, 20, 30, 40))
    pictures[ROUTED][1] = 50 / 255
    path = tmp_path / "output" / "demo.png"
    save_grid(path, scene, pictures, torch.full((2, 9, 8, 3), 60 / 255))
    captions = ["reference: person 1", "reference: person 2", *(arm.title for arm in ARMS), "routing map", ROUTED.title]
    assert [caption for caption, _ in shown] == captions
    assert [picture[0, 0, 0] for _, picture in shown[2:]] == [10, 20, 30, 40, 60, 50]
    assert all(np.array_equal(shown[place][1], scene.references[place]) for place in (0, 1))
    with Image.open(path) as grid:
        assert grid.size == contact_sheet([scene.references[0]] * 8, captions, columns=4).shape[1::-1]


# ---------------------------------------------------------------------------------- diffusers, and the command


def test_arms_on_diffusers_differ_in_people_and_router_alone(small, paths, scene):
    pictures, maps = draw_on_diffusers(scene)
    assert {tuple(drawn.shape) for drawn in pictures.values()} == {(2, 3, SIZE, SIZE)}
    base, noise = read_base(paths["base"]), cpu_noise(SEED, (2, 4, SIZE // 8, SIZE // 8))
    settings = Settings(steps=2, guidance=scene.guidance)
    assert torch.equal(pictures[PLAIN], decode(base, draw_latents(base, [scene.two] * 2, noise, settings)))
    for place, arm in enumerate(ARMS):
        for other in ARMS[:place]:
            assert (pictures[arm] - pictures[other]).abs().max() > 1e-3, (arm, other)
    assert maps.shape[0] == 2
    assert maps.shape[1] > maps.shape[2] == SIZE  # with a legend
    assert len(maps[:, :SIZE].flatten(0, 2).unique(dim=0)) > 2  # not in equal parts


@pytest.fixture
def command(monkeypatch, tmp_path):
    """A function that runs the command with arguments and gives its exit code; writes into `tmp_path`."""
    monkeypatch.setattr(demo, "REPOSITORY", tmp_path)
    monkeypatch.setattr(demo, "GRID", tmp_path / "output" / "demo.png")
    monkeypatch.setattr(demo, "Scene", partial(Scene, pictures=2, steps=1))
    monkeypatch.setattr(demo, "find_comfy_folders", list)
    monkeypatch.setattr(report, "TRUE_PICTURES", 2)
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["demo", *map(str, arguments)])
        return demo.main()

    yield run
    signal.signal(signal.SIGTERM, before)


def test_without_comfyui_the_demo_says_so_in_one_line_and_draws_all_the_same(command, small, tmp_path, capsys):
    assert command() == 0
    said = capsys.readouterr().out
    [line] = [each for each in said.splitlines() if "ComfyUI" in each]
    assert "COMFYUI_PATH" in line
    assert "diffusers" in line
    assert all(arm.title in said for arm in ARMS)
    assert "saved output/demo.png" in said
    (tmp_path / "output" / "demo.png").unlink()
    portraits = [REPOSITORY / "workflows" / "portraits" / f"miniature-person-{number}.png" for number in (2, 1)]
    assert command("--photos", *portraits, "--prompt", "a girl and a girl") == 0
    assert "demo: a girl and a girl" in capsys.readouterr().out
    assert (tmp_path / "output" / "demo.png").is_file()


def test_the_newest_comfyui_draws_where_there_is_one(command, small, monkeypatch, tmp_path, capsys):
    found = [ComfyFolder(path=tmp_path / version, version=version) for version in ("9.1", "8.7")]
    used = []

    def draw(scene, folder):
        used.append(folder)
        return greys((1, 2, 3, 4)), torch.zeros(2, 9, 8, 3)

    monkeypatch.setattr(demo, "find_comfy_folders", lambda: found)
    monkeypatch.setattr(demo, "draw_in_comfy", draw)
    assert command() == 0
    assert used == found[:1]
    assert f"ComfyUI 9.1, {tmp_path / '9.1'}" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["judge", "base"])
def test_without_weights_the_demo_ends_with_one_line(command, small, monkeypatch, tmp_path, capsys, missing):
    where, name = (demo, "JUDGE") if missing == "judge" else (studio, "BASE")
    monkeypatch.setattr(where, name, tmp_path / f"{missing}.safetensors")
    assert command() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("demo: ")
    assert f"{missing}.safetensors" in line


def test_a_file_that_is_no_picture_ends_the_demo_with_one_line(command, small, tmp_path, capsys):
    (tmp_path / "a.png").write_text("no picture")
    assert command("--photos", tmp_path / "a.png", tmp_path / "b.png") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "a.png" in line
