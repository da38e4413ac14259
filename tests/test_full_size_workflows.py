"""Some of the shipped workflows with full-size random weights, in every ComfyUI; in `make test-long`."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from likeness.tests.full_size import FULL_SIZE_RUNS
from likeness.tests.full_size_inputs import write_inputs
from likeness.tests.test_own_graphs import PLACED
from PIL import Image

pytestmark = [pytest.mark.comfy, pytest.mark.slow]

FOLDER = Path(__file__).resolve().parents[1] / "workflows" / "api"
SIZE = 256
FULL_WIDTH = 768
STEPS = 2  # of ConsistentID, one for each phase of its prompt
GROUP, GUIDED = "UniPortrait - group with sharp faces", "UniPortrait - one person guided"
DRAWN = "drawn faces (miniature)"  # a finder that needs no file
BY_FACES, BY_WORDS = "ConsistentID - two people with SDXL by faces", "IP-Adapter - two people with SDXL by words"
TWO, PORTRAIT = "UniPortrait - two people", "ConsistentID - one person"
REDRAWN, TRAINED = "FaceStudio - group photo in a style", "FaceStudio - with a trained file"
SHOWING = (
    "SaveImage",
    "LikenessAddPerson",
    "LikenessApplyConsistentID",
    "LikenessApplyFaceStudio",
    "LikenessApplyIPAdapter",
    "LikenessApplyReferenceGuidance",
    "LikenessApplyUniPortrait",
    "LikenessDetectFaces",
    "LikenessEncodeStyle",
    "LikenessMatchPeople",
    "LikenessShowGuidance",
    "LikenessShowRoutingMap",
)


def read_api(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def regions(comfy_server) -> dict[str, str]:
    """Pictures in ComfyUI's input folder; from file name to the points of faces as Add Person takes them."""
    return write_inputs(comfy_server.base / "input", SIZE)


@pytest.fixture(scope="session")
def small(regions):
    """Gives a workflow at 256² and few steps, with the stored points instead of a detector."""

    def shrink(name: str) -> dict:
        prompt = read_api(name)
        for node in list(prompt.values()):
            override(node, prompt, regions)
        if name.startswith("UniPortrait"):
            for sampler in ids_of(prompt, "KSampler"):
                prompt[sampler]["inputs"]["steps"] = STEPS if name == GUIDED else 1
        if name == GROUP:
            shrink_group(prompt)
        if name == GUIDED:  # random weights draw no faces
            give_mask(prompt)
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
        case "LikenessCropFace":
            inputs["size"] = SIZE
        case "LikenessEncodeConsistentIDPrompt":  # one step of each phase
            inputs |= {"width": SIZE, "height": SIZE, "merge_by": "step", "start_merge_step": 0}
        case "LikenessAddPerson":
            inputs |= {"detector": "given region", "region": regions[file_of(prompt, inputs["photo"])]}
        case "LikenessEncodeStyle":
            inputs |= {"detector": "given region", "region": regions[file_of(prompt, inputs["picture"])]}
        case "LikenessDetectFaces":
            region = regions.get(file_of(prompt, inputs["image"]), three_boxes(SIZE * 3 // 4))
            inputs |= {"detector": "given region", "region": region}
        case "LikenessPredictImageEmbedding":
            inputs["steps"] = STEPS
        case "LikenessApplyReferenceGuidance":  # in both steps
            inputs |= {"start_percent": 0.0, "seeds": 1, "reference_size": SIZE}
            if "placement" not in inputs:
                placed = {**PLACED, "by": "faces", "detector": DRAWN, "vae": inputs["vae"]}
                prompt["placed"] = {"class_type": "LikenessPlacePeople", "inputs": placed}
                inputs["placement"] = ["placed", 0]
        case "LikenessPlacePeople":
            inputs["detector"] = DRAWN


def file_of(prompt: dict, link: list) -> str:
    """The file that *Load Image* loads at the other end of a link; "" where that is another node."""
    source = prompt[link[0]]
    return source["inputs"]["image"] if source["class_type"] == "LoadImage" else ""


def shrink_group(prompt: dict) -> None:
    """Half the size again: it samples five times."""
    (empty,) = ids_of(prompt, "EmptyLatentImage")
    prompt[empty]["inputs"] |= {"width": SIZE // 2, "height": SIZE // 2}
    for crop in ids_of(prompt, "LikenessCropFace"):
        prompt[crop]["inputs"]["size"] = SIZE // 2


def give_mask(prompt: dict) -> None:
    """Bind the person to the left half of the picture."""
    sides = {"width": SIZE, "height": SIZE}
    prompt["nowhere"] = {"class_type": "SolidMask", "inputs": {"value": 0.0, **sides}}
    prompt["half"] = {"class_type": "SolidMask", "inputs": {"value": 1.0, **sides, "width": SIZE // 2}}
    both = {"destination": ["nowhere", 0], "source": ["half", 0], "x": 0, "y": 0, "operation": "add"}
    prompt["mask"] = {"class_type": "MaskComposite", "inputs": both}
    (person,) = ids_of(prompt, "LikenessAddPerson")
    prompt[person]["inputs"]["mask"] = ["mask", 0]


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
                prompt["shares"] = {"class_type": "PreviewAny", "inputs": {"source": [routing, 2]}}
            for record in ids_of(prompt, "LikenessShowGuidance"):
                prompt["numbers"] = {"class_type": "PreviewAny", "inputs": {"source": [record, 2]}}
            entries[name] = prompt, comfy_server.run(prompt)
        return entries[name]

    return run


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
    side = SIZE * 3 // 4 if name == GROUP else SIZE
    beside = len(ids_of(prompt, "ImageStitch"))
    assert saved.shape == (side, side * (1 + beside), 3)


@pytest.mark.parametrize(
    ("name", "sites"),
    [(BY_FACES, 70), (PORTRAIT, 16), (TWO, 16), (REDRAWN, 16)],
)
def test_every_layer_is_reached(name, sites, comfy_server, ran):
    ran(name)
    assert f"{sites}/{sites} sites active" in comfy_server.log_file.read_text("utf-8")


def test_people_whom_nobody_finds_share_the_picture(ran):
    """Random weights draw no faces."""
    _, entry = ran(BY_FACES)
    [shares] = json.loads(entry["outputs"]["shares"]["text"][0])
    assert list(shares.values()) == pytest.approx([0.5, 0.5])


def test_words_are_read_at_every_step_of_a_large_model(comfy_server, ran):
    """What random weights attend to is anybody's guess; the first of two steps is shared in equal parts."""
    prompt, entry = ran(BY_WORDS)
    [shares] = json.loads(entry["outputs"]["shares"]["text"][0])
    assert 0.5 <= sum(shares.values()) <= 1.001
    (routing,) = ids_of(prompt, "LikenessShowRoutingMap")
    words = copy.deepcopy(prompt)
    words[routing]["inputs"]["view"] = "words"
    shown = pictures(comfy_server, comfy_server.run(words), routing)
    assert all(is_a_picture(picture) for picture in shown)


def test_guidance_pulls_at_every_step(ran):
    _, entry = ran(GUIDED)
    numbers = json.loads(entry["outputs"]["numbers"]["text"][0])
    assert numbers["skipped"] == 0
    [steps] = numbers["people"].values()
    assert len(steps) == len(numbers["corrections"]) == STEPS
    assert all(0 < step["similarity"] <= 1 for step in steps)
    assert all(0 < each["share"] < 1 for each in numbers["corrections"])


def test_the_assembled_prompt_names_what_was_found(comfy_server, ran):
    prompt, entry = ran("ConsistentID - eyes and mouth of another person")
    (shown,) = ids_of(prompt, "PreviewAny")
    (text,) = entry["outputs"][shown]["text"]
    assert "(windy:1.1) beach" in text
    assert "eyes <|facial|>" in text


def test_routing_masks_partition_the_picture(comfy_server, ran):
    _, entry = ran(TWO)
    masks = np.stack([picture[..., 0] for picture in pictures(comfy_server, entry, "masks shown")]).astype(float) / 255
    assert masks.shape[0] == 2
    assert np.abs(masks.sum(0) - 1).max() <= 2 / 255  # eight bits round each mask
    [shares] = json.loads(entry["outputs"]["shares"]["text"][0])
    assert sum(shares.values()) == pytest.approx(1, abs=2e-3)
    assert list(shares.values()) == pytest.approx(list(masks.mean((1, 2))), abs=0.02)


def test_a_new_prompt_computes_nothing_about_the_photo_again(comfy_server, small):
    prompt = small(PORTRAIT)
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


@pytest.mark.parametrize(
    ("name", "kind"),
    [(TWO, "LikenessApplyUniPortrait"), (PORTRAIT, "LikenessApplyConsistentID")],
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
            for shown in ("LikenessShowRoutingMap", "PreviewAny"):
                for node_id in ids_of(queued, shown):
                    del queued[node_id]
        return painted(comfy_server, queued)

    plain = again(applied=False)
    first = again()
    assert (first != plain).any()
    assert (again() == first).all()
    assert (again(applied=False) == plain).all()
    assert (again() == first).all()


@pytest.mark.parametrize("name", [REDRAWN, TRAINED])
def test_facestudio_queued_again_changes_no_bit(name, comfy_server, small):
    prompt = small(name)
    for empty in ids_of(prompt, "EmptyLatentImage"):
        prompt[empty]["inputs"] |= {"width": SIZE // 4, "height": SIZE // 4}
    (sampler,) = ids_of(prompt, "KSampler")

    def again(run: int) -> np.ndarray:
        queued = copy.deepcopy(prompt)
        queued[sampler]["inputs"]["run"] = run  # not an input of KSampler: it only renews the cache key
        return painted(comfy_server, queued)

    first = again(1)
    assert (again(2) == first).all()
    comfy_server.free()  # every node runs anew
    assert (again(3) == first).all()


def test_masks_of_a_group_photo_are_matched_to_the_people_from_left_to_right(ran, comfy_server):
    """The mask of the right half was loaded first."""
    prompt, _ = ran(REDRAWN)
    (matched,) = ids_of(prompt, "LikenessMatchPeople")
    shown = {
        "as picture": {"class_type": "MaskToImage", "inputs": {"mask": [matched, 0]}},
        "seen": {"class_type": "PreviewImage", "inputs": {"images": ["as picture", 0]}},
    }
    left, right = pictures(comfy_server, comfy_server.run(upstream(prompt, matched) | shown), "seen")
    half = SIZE // 2
    assert (left[:, :half] == 255).all()
    assert not left[:, half:, :3].any()
    assert (right[:, half:] == 255).all()
    assert not right[:, :half, :3].any()
