"""The shipped workflows: both formats are one graph that fits every ComfyUI, and each has a thumbnail."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from likeness.tests.full_size import FULL_SIZE_RUNS, MOST_A_METHOD, RUN
from likeness.tests.tools.workflows.geometry import frames, node_rectangles, overlaps
from likeness.tools.comfyui.inputs import read_inputs
from likeness.tools.workflows import consistentid, facestudio, ip_adapter, omniportrait, placed, together, uniportrait
from likeness.tools.workflows.write import WORKFLOWS, build, write_text
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "workflows"
NAMES = tuple(WORKFLOWS)
PAGE_ONLY = {"MarkdownNote"}
MOST_BYTES = 40_000  # of a thumbnail


def documented_ids() -> set[str]:
    """Every node id of docs/nodes.md."""
    return set(re.findall(r"^\| `(Likeness\w+)` \|", (ROOT / "docs" / "nodes.md").read_text("utf-8"), re.MULTILINE))


def read_ui(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def read_api(name: str) -> dict:
    return json.loads((FOLDER / "api" / f"{name}.json").read_text("utf-8"))


# ------------------------------------------------------------------------------------------------ files alone


def test_every_workflow_is_there_in_both_formats_and_with_a_thumbnail():
    for found in (FOLDER.glob("*.json"), (FOLDER / "api").glob("*.json"), FOLDER.glob("*.jpg")):
        assert {file.stem for file in found} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_thumbnail_is_square_and_small(name):
    file = FOLDER / f"{name}.jpg"
    assert file.stat().st_size < MOST_BYTES
    with Image.open(file) as picture:
        assert (picture.format, picture.size) == ("JPEG", (512, 512))


@pytest.mark.parametrize("name", NAMES)
def test_links_of_the_page_format_are_consistent(name):
    ui = read_ui(name)
    nodes = {node["id"]: node for node in ui["nodes"]}
    links = {link[0]: link for link in ui["links"]}
    assert ui["last_node_id"] == max(nodes)
    for number, source, slot, target, place, kind in ui["links"]:
        output, entry = nodes[source]["outputs"][slot], nodes[target]["inputs"][place]
        assert number in output["links"]
        assert entry["link"] == number
        assert kind == output["type"]
        assert kind in entry["type"].split(",") or entry["type"] == "*"
        assert nodes[source]["order"] < nodes[target]["order"]
    held = [entry["link"] for node in nodes.values() for entry in node["inputs"] if entry["link"] is not None]
    given = [link for node in nodes.values() for output in node["outputs"] for link in output["links"] or ()]
    assert sorted(held) == sorted(given) == sorted(links)


@pytest.mark.parametrize("name", NAMES)
def test_nodes_lie_inside_frames_and_do_not_overlap(name):
    ui = read_ui(name)
    assert overlaps(node_rectangles(ui)) == []
    assert overlaps(frames(ui)) == []
    for left, top, right, bottom in node_rectangles(ui):
        assert any(f[0] <= left and f[1] <= top and right <= f[2] and bottom <= f[3] for f in frames(ui))


def test_full_size_runs_are_few_and_load_every_checkpoint_once():
    methods = {
        "uniportrait": uniportrait,
        "consistentid": consistentid,
        "omniportrait": omniportrait,
        "ip_adapter": ip_adapter,
        "facestudio": facestudio,
    }
    assert RUN.keys() == methods.keys()
    for method, names in RUN.items():
        assert set(names) <= {*methods[method].WORKFLOWS, *together.WORKFLOWS, *placed.WORKFLOWS}
        assert len(names) <= MOST_A_METHOD
    loaded = [
        node["inputs"]["ckpt_name"]
        for name in FULL_SIZE_RUNS
        for node in read_api(name).values()
        if node["class_type"] == "CheckpointLoaderSimple"
    ]
    blocks = [name for name, _ in itertools.groupby(loaded)]
    assert len(blocks) == len(set(blocks)), "workflows of one checkpoint must stand together"


@pytest.mark.parametrize("name", NAMES)
def test_our_nodes_are_documented(name):
    ours = {node["type"] for node in read_ui(name)["nodes"] if node["type"].startswith("Likeness")}
    assert ours
    assert ours <= documented_ids()


@pytest.mark.parametrize("name", NAMES)
def test_the_note_links_every_file_that_the_loaders_embed(name):
    nodes = read_ui(name)["nodes"]
    [note] = [node["widgets_values"][0] for node in nodes if node["title"] == "What to download"]
    embedded = [file for node in nodes for file in node["properties"].get("models", ())]
    assert [file["name"] for file in embedded if f"[{file['name']}]({file['url']})" not in note] == []
    assert bool(embedded) == ("Nothing" not in note)
    assert ("LikenessLoadUniPortrait" in {node["type"] for node in nodes}) == ("SD1.5 only" in note)


def test_every_node_has_a_help_page_and_every_page_a_node():
    assert {file.stem for file in (ROOT / "web" / "docs").glob("*.md")} == documented_ids()


# ----------------------------------------------------------------------------------------- against definitions


@pytest.fixture(scope="session")
def definitions(miniature_server) -> dict:
    return miniature_server.object_info()


def to_prompt(ui: dict, definitions: dict) -> dict:
    """The page's own conversion, written a second time: values by position, links by number."""
    links = {link[0]: link for link in ui["links"]}
    prompt = {}
    for node in ui["nodes"]:
        if node["type"] in PAGE_ONLY:
            continue
        definition = definitions[node["type"]]
        values = iter(node["widgets_values"])
        inputs = {}
        for section in ("required", "optional"):
            for name, (kind, *options) in definition["input"].get(section, {}).items():
                flags = options[0] if options else {}
                if not isinstance(kind, list) and kind not in {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}:
                    continue
                inputs[name] = next(values)
                if flags.get("control_after_generate") or flags.get("image_upload"):
                    next(values)
        assert next(values, None) is None, f"{node['type']} holds more values than widgets"
        for entry in node["inputs"]:
            if entry["link"] is not None:
                _, source, slot, *_ = links[entry["link"]]
                inputs[entry["name"]] = [str(source), slot]
        prompt[str(node["id"])] = {"inputs": inputs, "class_type": node["type"], "_meta": {"title": node["title"]}}
    return prompt


@pytest.mark.comfy
@pytest.mark.parametrize("name", NAMES)
def test_both_formats_are_the_same_graph(name, definitions):
    assert to_prompt(read_ui(name), definitions) == read_api(name)


@pytest.mark.comfy
@pytest.mark.parametrize("name", NAMES)
def test_files_are_what_the_descriptions_give_in_this_comfyui(name, definitions):
    for path, text in write_text(build(name, definitions)).items():
        assert (FOLDER / path).read_text("utf-8") == text, f"{path} is out of date: run likeness.tools.workflows.write"


@pytest.mark.comfy
@pytest.mark.parametrize("name", NAMES)
def test_widgets_are_within_their_ranges(name, definitions):
    nodes = read_api(name)
    for node in nodes.values():
        for entry in read_inputs(definitions[node["class_type"]]):
            value = node["inputs"].get(entry.name)
            if not entry.is_widget:
                continue
            if isinstance(value, list):  # a link, of a number that several nodes share
                value = nodes[value[0]]["inputs"]["value"]
            if entry.kind in ("INT", "FLOAT"):
                assert entry.options.get("min", value) <= value <= entry.options.get("max", value), entry.name
            if entry.kind == "COMBO" and not str(value).endswith((".bin", ".pth", ".safetensors", ".png")):
                assert value in entry.choices, entry.name


@pytest.mark.comfy
def test_every_documented_node_is_loaded_and_has_tooltips(definitions):
    ours = {name: entry for name, entry in definitions.items() if name.startswith("Likeness")}
    assert set(ours) == documented_ids()
    for name, definition in ours.items():
        assert definition["description"], name
        assert definition["category"].startswith("Likeness/"), name
        for entry in read_inputs(definition):
            assert entry.options.get("tooltip"), f"{name}: {entry.name} has no tooltip"
        for output, tooltip in zip(definition["output_name"], definition["output_tooltips"], strict=True):
            assert tooltip, f"{name}: output {output} has no tooltip"
