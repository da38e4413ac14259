"""The shipped workflows: both formats are one graph that fits every ComfyUI, and those of `full_size` run in it."""

from __future__ import annotations

import copy
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from likeness.tests.full_size import FULL_SIZE_RUNS, MOST_A_METHOD, RUN
from likeness.tools.comfyui.inputs import read_inputs
from likeness.tools.workflows import consistentid, miniature, omniportrait, uniportrait
from likeness.tools.workflows.write import WORKFLOWS, build, write_portraits, write_text
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "workflows"
NAMES = tuple(WORKFLOWS)  # in an order in which each run finds the faces of the one before in ComfyUI's cache
UNIPORTRAIT, CONSISTENTID = tuple(uniportrait.WORKFLOWS), tuple(consistentid.WORKFLOWS)
OMNIPORTRAIT, MINIATURE = tuple(omniportrait.WORKFLOWS), tuple(miniature.WORKFLOWS)
FULL_SIZE = (*UNIPORTRAIT, *CONSISTENTID, *OMNIPORTRAIT)
SIZE = 256
FULL_WIDTH = 768
STEPS = 2  # of ConsistentID, one for each phase of its prompt
MASKED = ("uniportrait-guidance",)  # random weights draw no faces
PAGE_ONLY = {"MarkdownNote"}
PRIMITIVES = {"IMAGE", "MASK", "MODEL", "CLIP", "VAE", "CLIP_VISION", "CONDITIONING", "LATENT", "CONTROL_NET", "STRING"}
SHOWING = (
    "SaveImage",
    "PreviewImage",
    "LikenessDetectFaces",
    "LikenessAddUniPortraitIdentity",
    "LikenessShowRoutingMap",
    "LikenessParseFace",
    "LikenessEncodeFacialRegions",
    "LikenessAddConsistentIDIdentity",
    "LikenessAddOmniPortraitReference",
    "LikenessShowGuidance",
)
OUR_TYPES = re.compile(r"LIKENESS_[A-Z_]+")


def documented_ids() -> set[str]:
    """Every node id of docs/nodes.md."""
    return set(re.findall(r"^\| `(Likeness\w+)` \|", (ROOT / "docs" / "nodes.md").read_text("utf-8"), re.MULTILINE))


def read_ui(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def read_api(name: str) -> dict:
    return json.loads((FOLDER / "api" / f"{name}.json").read_text("utf-8"))


# ------------------------------------------------------------------------------------------------ files alone


def test_every_workflow_is_there_in_both_formats():
    assert {file.stem for file in FOLDER.glob("*.json")} == set(NAMES)
    assert {file.stem for file in (FOLDER / "api").glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_links_of_the_page_format_are_consistent(name):
    ui = read_ui(name)
    nodes = {node["id"]: node for node in ui["nodes"]}
    links = {link[0]: link for link in ui["links"]}
    assert len(nodes) == len(ui["nodes"])
    assert len(links) == len(ui["links"])
    assert ui["last_node_id"] == max(nodes)
    assert ui["last_link_id"] == max(links)
    for number, source, slot, target, place, kind in ui["links"]:
        output = nodes[source]["outputs"][slot]
        entry = nodes[target]["inputs"][place]
        assert number in output["links"]
        assert entry["link"] == number
        assert kind == output["type"]
        assert kind in entry["type"].split(",") or entry["type"] == "*"
        assert kind in PRIMITIVES or OUR_TYPES.fullmatch(kind)
        assert nodes[source]["order"] < nodes[target]["order"]
    held = [entry["link"] for node in nodes.values() for entry in node.get("inputs", ()) if entry["link"] is not None]
    given = [link for node in nodes.values() for output in node["outputs"] for link in output["links"] or ()]
    assert sorted(held) == sorted(given) == sorted(links)


@pytest.mark.parametrize("name", NAMES)
def test_nodes_lie_inside_one_titled_group_and_do_not_overlap(name):
    ui = read_ui(name)
    frames = [(group["title"], *group["bounding"]) for group in ui["groups"]]
    assert all(title for title, *_ in frames)
    boxes = {node["id"]: (*node["pos"], *node["size"]) for node in ui["nodes"]}
    for left, top, width, height in boxes.values():
        inside = [
            title
            for title, x, y, w, h in frames
            if x <= left and y <= top and left + width <= x + w and top + height <= y + h
        ]
        assert len(inside) == 1
    for first, a in boxes.items():
        for second, b in boxes.items():
            if first < second:
                apart = a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
                assert apart, (first, second)


def test_full_size_runs_are_few_and_load_every_checkpoint_once():
    methods = {"uniportrait": UNIPORTRAIT, "consistentid": CONSISTENTID, "omniportrait": OMNIPORTRAIT}
    assert RUN.keys() == methods.keys()
    for method, names in RUN.items():
        assert set(names) <= set(methods[method])
        assert len(names) <= MOST_A_METHOD
    loaded = [
        node["inputs"]["ckpt_name"]
        for name in FULL_SIZE_RUNS
        for node in read_api(name).values()
        if node["class_type"] == "CheckpointLoaderSimple"
    ]
    blocks = [name for name, _ in itertools.groupby(loaded)]
    assert len(blocks) == len(set(blocks)), "workflows of one checkpoint must stand together"


def test_the_portraits_are_those_that_the_miniature_workflows_ask_for(tmp_path):
    shipped = {file.name: np.asarray(Image.open(file)) for file in (FOLDER / "portraits").iterdir()}
    drawn = {file.name: np.asarray(Image.open(file)) for file in write_portraits(tmp_path)}
    assert shipped.keys() == drawn.keys()
    for name, portrait in drawn.items():
        assert np.abs(shipped[name].astype(int) - portrait).max() <= 1, name  # another processor may round otherwise
    asked = {
        prompt[loader]["inputs"]["image"]
        for prompt in map(read_api, MINIATURE)
        for loader in ids_of(prompt, "LoadImage")
    }
    assert asked == drawn.keys()


@pytest.mark.parametrize("name", NAMES)
def test_our_nodes_are_documented(name):
    ours = {node["type"] for node in read_ui(name)["nodes"] if node["type"].startswith("Likeness")}
    assert ours
    assert ours <= documented_ids()


@pytest.mark.parametrize("name", FULL_SIZE)
def test_notes_say_what_to_download(name):
    ui = read_ui(name)
    notes = "\n".join(node["widgets_values"][0] for node in ui["nodes"] if node["type"] in PAGE_ONLY)
    loaders = [node for node in read_api(name).values() if node["class_type"].startswith("LikenessLoad")]
    files = [value for node in loaders for value in node["inputs"].values() if str(value).endswith((".bin", ".pth"))]
    assert files or name in OMNIPORTRAIT  # of which no weights are published
    assert [file for file in files if file not in notes] == []
    assert ("LikenessLoadUniPortrait" in {node["class_type"] for node in loaders}) == ("SD1.5 only" in notes)


@pytest.mark.parametrize("name", CONSISTENTID)
def test_settings_are_those_of_the_published_demos(name):
    nodes = list(read_api(name).values())
    (sampler,) = (node["inputs"] for node in nodes if node["class_type"] == "KSampler")
    (prompt,) = (node["inputs"] for node in nodes if node["class_type"] == "LikenessEncodeConsistentIDPrompt")
    assert (sampler["steps"], prompt["merge_by"], prompt["start_merge_step"]) == (50, "step", 30)
    assert sampler["cfg"] == (7.5 if "sdxl" in name or "inpaint" in name else 5.0)
    (latent,) = (node["inputs"] for node in nodes if node["class_type"] in ("EmptyLatentImage", "VAEEncode"))
    if "sdxl" in name:
        assert (prompt["width"], prompt["height"]) == (latent["width"], latent["height"]) == (864, 1152)


@pytest.mark.parametrize("name", UNIPORTRAIT)
def test_settings_are_those_of_the_reference(name):
    prompt = read_api(name)
    for node in prompt.values():
        if node["class_type"] == "KSampler":
            chosen = {key: node["inputs"][key] for key in ("steps", "cfg", "sampler_name", "scheduler")}
            assert chosen == {"steps": 25, "cfg": 7.5, "sampler_name": "ddim", "scheduler": "ddim_uniform"}
        if node["class_type"] == "LikenessApplyUniPortrait":
            people = chain_length(prompt, node["inputs"]["identities"][0])
            assert node["inputs"]["structure_scale"] == (0.1 if people == 1 else 0.3)
        if node["class_type"] == "LikenessAddUniPortraitIdentity":
            assert node["inputs"]["strength"] == 0.7


@pytest.mark.parametrize(("name", "people"), [("one-person", 1), ("two-people", 2), ("three-people", 3)])
def test_one_person_costs_four_nodes_and_each_further_two(name, people):
    kinds = [node["class_type"] for node in read_api(name).values()]
    assert sum(kind.startswith("Likeness") for kind in kinds) == 2 + 2 * people + (people > 1)
    assert kinds.count("LikenessAddUniPortraitIdentity") == kinds.count("LikenessDetectFaces") == people


def test_every_node_has_a_help_page_and_every_page_a_node():
    assert {file.stem for file in (ROOT / "web" / "docs").glob("*.md")} == documented_ids()


def chain_length(prompt: dict, node_id: str) -> int:
    node = prompt[node_id]
    if node["class_type"] == "LikenessPickUniPortraitIdentity":
        return 1
    before = node["inputs"].get("identities")
    return 1 + (chain_length(prompt, before[0]) if before else 0)


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
    for node in read_api(name).values():
        for entry in read_inputs(definitions[node["class_type"]]):
            value = node["inputs"].get(entry.name)
            if not entry.is_widget:
                continue
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
        assert definition["category"] == "Likeness", name
        for entry in read_inputs(definition):
            assert entry.options.get("tooltip"), f"{name}: {entry.name} has no tooltip"
        for output, tooltip in zip(definition["output_name"], definition["output_tooltips"], strict=True):
            assert tooltip, f"{name}: output {output} has no tooltip"


# --------------------------------------------------------------------------------------------------- in ComfyUI


@pytest.fixture(scope="session")
def regions(comfy_server) -> dict[str, str]:
    """Portraits in ComfyUI's input folder; from file name to the five points as Detect Faces takes them."""
    from likeness.tools.portraits import astronaut, drawing

    portraits = {"person-1.png": astronaut(), "person-2.png": drawing(1), "person-3.png": drawing(2)}
    for name, portrait in portraits.items():
        portrait.picture.save(comfy_server.base / "input" / name)
    portraits["person-1.png"].picture.save(comfy_server.base / "input" / "poses.png")
    return {name: portrait.region for name, portrait in portraits.items()}


@pytest.fixture(scope="session")
def small(regions):
    """Gives a workflow at 256² and 2 steps, with the stored points instead of a detector."""

    def shrink(name: str) -> dict:
        prompt = read_api(name)
        for node in prompt.values():
            override(node, prompt, regions)
        if name in UNIPORTRAIT:
            for sampler in ids_of(prompt, "KSampler"):
                prompt[sampler]["inputs"]["steps"] = 1
        if name not in ("consistentid-portrait", "consistentid-region-mixing"):
            for encode in ids_of(prompt, "LikenessEncodeFacialRegions"):
                prompt[encode]["inputs"] |= dict.fromkeys(("eyes", "mouth"), False)
        if name == "group-hires":
            shrink_group(prompt)
        for guided in ids_of(prompt, "LikenessApplyReferenceGuidance"):
            shrink_guidance(prompt, guided, with_mask=name in MASKED)
        return prompt

    return shrink


def override(node: dict, prompt: dict, regions: dict[str, str]) -> None:
    inputs = node["inputs"]
    match node["class_type"]:
        case "EmptyLatentImage":
            inputs |= {"width": SIZE, "height": SIZE}
        case "KSampler":
            inputs |= {"steps": STEPS, "seed": 1}
        case "SolidMask":
            inputs |= {"width": inputs["width"] * SIZE // FULL_WIDTH, "height": SIZE}
        case "MaskComposite":
            inputs["x"] = inputs["x"] * SIZE // FULL_WIDTH
        case "LikenessCropFace" | "LikenessAddOmniPortraitReference":
            inputs["size"] = SIZE
        case "LikenessEncodeConsistentIDPrompt":
            inputs |= {"width": SIZE, "height": SIZE, "start_merge_step": 0}  # one step of each phase
        case "LikenessEncodeFacialRegions":
            inputs |= dict.fromkeys(("ears", "nose"), False)  # fewer pictures for the image encoder
        case "LikenessDetectFaces":
            source = prompt[inputs["image"][0]]
            region = (
                regions[source["inputs"]["image"]]
                if source["class_type"] == "LoadImage"
                else three_boxes(SIZE * 3 // 4)
            )
            inputs |= {"detector": "given region", "region": region}


def shrink_group(prompt: dict) -> None:
    """Half the size again: it samples five times."""
    (empty,) = ids_of(prompt, "EmptyLatentImage")
    prompt[empty]["inputs"] |= {"width": SIZE // 2, "height": SIZE // 2}
    for crop in ids_of(prompt, "LikenessCropFace"):
        prompt[crop]["inputs"]["size"] = SIZE // 2


def shrink_guidance(prompt: dict, guided: str, *, with_mask: bool) -> None:
    """Guidance in both steps, by a mask or with the miniature's finder, which sees nobody in what random weights draw."""
    inputs = prompt[guided]["inputs"]
    inputs |= {"start_percent": 0.0, "seeds": 1}
    if inputs["find_by"] == "face in the preview":
        prompt["finder"] = {"class_type": "LikenessLoadMiniature", "inputs": {}}
        inputs["face_analysis"] = ["finder", 4]
    if with_mask:
        sides = {"width": SIZE, "height": SIZE}
        prompt["nowhere"] = {"class_type": "SolidMask", "inputs": {"value": 0.0, **sides}}
        prompt["half"] = {"class_type": "SolidMask", "inputs": {"value": 1.0, **sides, "width": SIZE // 2}}
        both = {"destination": ["nowhere", 0], "source": ["half", 0], "x": 0, "y": 0, "operation": "add"}
        prompt["mask"] = {"class_type": "MaskComposite", "inputs": both}
        prompt[inputs["references"][0]]["inputs"]["mask"] = ["mask", 0]
    else:  # a black mask is no picture
        for shown in ids_of(prompt, "PreviewImage"):
            if prompt[shown]["_meta"]["title"] == "Where the face was":
                del prompt[shown]


def three_boxes(side: int) -> str:
    """Three faces side by side in a square picture."""
    third = side // 3
    return "\n".join(f"{left + 4} {third} {left + third - 4} {2 * third}" for left in (0, third, 2 * third))


def ids_of(prompt: dict, kind: str) -> list[str]:
    return [node_id for node_id, node in prompt.items() if node["class_type"] == kind]


def pictures(server, entry: dict, node_id: str) -> list[np.ndarray]:
    return [np.asarray(Image.open(file)) for file in server.output_files(entry, node_id)]


def painted(server, prompt: dict) -> np.ndarray:
    """Run a prompt and give its one saved picture."""
    (saved,) = ids_of(prompt, "SaveImage")
    (picture,) = pictures(server, server.run(prompt), saved)
    return picture


def cached_nodes(entry: dict) -> set[str]:
    """Nodes that did not run because ComfyUI knew their result; 0.33.0 then does not repeat what they showed."""
    return {
        node for kind, message in entry["status"]["messages"] if kind == "execution_cached" for node in message["nodes"]
    }


def is_a_picture(picture: np.ndarray) -> bool:
    return picture.ndim == 3 and picture.shape[2] >= 3 and picture[..., :3].std() > 1


@pytest.fixture(scope="session")
def ran(comfy_server, small):
    """Gives a small workflow and its history entry; runs each once, with the masks of its routing map shown too."""
    entries: dict[str, tuple[dict, dict]] = {}

    def run(name: str) -> tuple[dict, dict]:
        if name not in entries:
            prompt = small(name)
            for routing in ids_of(prompt, "LikenessShowRoutingMap"):
                prompt["masks"] = {"class_type": "MaskToImage", "inputs": {"mask": [routing, 0]}}
                prompt["masks shown"] = {"class_type": "PreviewImage", "inputs": {"images": ["masks", 0]}}
            for record in ids_of(prompt, "LikenessShowGuidance"):
                prompt["numbers"] = {"class_type": "PreviewAny", "inputs": {"source": [record, 2]}}
            entries[name] = prompt, comfy_server.run(prompt)
        return entries[name]

    return run


@pytest.mark.comfy
@pytest.mark.slow
@pytest.mark.parametrize("name", FULL_SIZE_RUNS)
def test_workflow_runs_and_shows_pictures(name, comfy_server, ran):
    prompt, entry = ran(name)
    cached = cached_nodes(entry)
    for kind in SHOWING:
        for node_id in set(ids_of(prompt, kind)) - cached:
            found = pictures(comfy_server, entry, node_id)
            assert found, f"{node_id} {kind} shows nothing"
            assert all(is_a_picture(picture) for picture in found), f"{node_id} {kind}"
    (saved,) = (picture for node in ids_of(prompt, "SaveImage") for picture in pictures(comfy_server, entry, node))
    side = SIZE * 3 // 4 if name == "group-hires" else SIZE
    assert saved.shape == (side, side, 3)


@pytest.mark.comfy
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sites"),
    [("consistentid-sdxl-portrait", 70), ("consistentid-portrait", 16), ("two-people", 16)],
)
def test_every_layer_is_reached(name, sites, comfy_server, ran):
    ran(name)
    assert f"{sites}/{sites} sites active" in comfy_server.log_file.read_text("utf-8")


@pytest.mark.comfy
@pytest.mark.slow
def test_guidance_pulls_at_every_step(ran):
    _, entry = ran("uniportrait-guidance")
    numbers = json.loads(entry["outputs"]["numbers"]["text"][0])
    assert numbers["skipped"] == 0
    [steps] = numbers["people"].values()
    assert len(steps) == len(numbers["corrections"]) == STEPS
    assert all(0 < step["similarity"] <= 1 for step in steps)
    assert all(0 < each["share"] < 1 for each in numbers["corrections"])


@pytest.mark.comfy
@pytest.mark.slow
def test_the_assembled_prompt_names_what_was_found(comfy_server, ran):
    prompt, entry = ran("consistentid-region-mixing")
    (shown,) = ids_of(prompt, "PreviewAny")
    (text,) = entry["outputs"][shown]["text"]
    assert "(windy:1.1) beach" in text
    assert "eyes <|facial|>" in text
    assert "ears <|facial|>" not in text  # switched off


@pytest.mark.comfy
@pytest.mark.slow
@pytest.mark.parametrize(("name", "people"), [("two-people", 2), ("two-people-controlnet-lora", 2)])
def test_routing_masks_partition_the_picture(name, people, comfy_server, ran):
    prompt, entry = ran(name)
    masks = np.stack([picture[..., 0] for picture in pictures(comfy_server, entry, "masks shown")]).astype(float) / 255
    assert masks.shape[0] == people
    assert np.abs(masks.sum(0) - 1).max() <= people / 255  # eight bits round each mask
    [[shares]] = (json.loads(entry["outputs"][node]["text"][0]) for node in ids_of(prompt, "PreviewAny"))
    assert sum(shares.values()) == pytest.approx(1, abs=2e-3)
    assert list(shares.values()) == pytest.approx(list(masks.mean((1, 2))), abs=0.02)


@pytest.mark.comfy
@pytest.mark.slow
def test_a_new_prompt_computes_nothing_about_the_photo_again(comfy_server, small):
    prompt = small("consistentid-portrait")
    (encode,) = ids_of(prompt, "LikenessEncodeConsistentIDPrompt")
    texts = []
    for text in ("a person by the sea", "a person in the snow"):
        prompt[encode]["inputs"]["positive"] = text
        only = upstream(prompt, encode) | {"shown": {"class_type": "PreviewAny", "inputs": {"source": [encode, 2]}}}
        entry = comfy_server.run(only)
        texts.append(entry["outputs"]["shown"]["text"][0])
    assert texts[0] != texts[1]
    assert cached_nodes(entry) == set(only) - {encode, "shown"}


def upstream(prompt: dict, node_id: str) -> dict:
    """A node and all that it reads."""
    found = {node_id: prompt[node_id]}
    for value in prompt[node_id]["inputs"].values():
        if isinstance(value, list):
            found |= upstream(prompt, value[0])
    return found


@pytest.mark.comfy
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [("two-people", "LikenessApplyUniPortrait"), ("consistentid-portrait", "LikenessApplyConsistentID")],
)
def test_requeue_bypass_and_enabling_again_change_no_bit(name, kind, comfy_server, small):
    prompt = small(name)
    (empty,) = ids_of(prompt, "EmptyLatentImage")
    prompt[empty]["inputs"] |= {"width": SIZE // 4, "height": SIZE // 4}  # five runs: the smaller the better
    runs = iter(range(100, 200))

    def again(applied: bool = True) -> np.ndarray:
        """Sample once more, with everything before the sampler still in ComfyUI's cache."""
        queued = copy.deepcopy(prompt)
        (sampler,) = ids_of(queued, "KSampler")
        queued[sampler]["inputs"]["run"] = next(runs)  # not an input of KSampler: it only renews the cache key
        if not applied:
            (apply,) = ids_of(queued, kind)
            queued[sampler]["inputs"]["model"] = queued[apply]["inputs"]["model"]
            for shown in ("LikenessShowRoutingMap", "PreviewAny", "PreviewImage"):
                for node_id in ids_of(queued, shown):
                    del queued[node_id]
        return painted(comfy_server, queued)

    plain = again(applied=False)
    first = again()
    assert (first != plain).any()
    assert (again() == first).all()
    assert (again(applied=False) == plain).all()
    assert (again() == first).all()
