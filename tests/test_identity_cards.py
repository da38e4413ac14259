"""Identity cards over HTTP: saved once, they give the latents of the photos bit for bit, in every method."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from likeness.models.people.card import read_card
from safetensors.torch import load_file

pytestmark = pytest.mark.comfy

FOLDER = Path(__file__).resolve().parents[1] / "workflows" / "api"
SOCKETS = {  # of Save Identity Card, by output of Load Miniature
    "vae": 2,
    "uniportrait": 3,
    "consistentid": 4,
    "omniportrait": 5,
    "face_parser": 6,
    "clip_vision": 8,
    "ip_adapter": 11,
    "facestudio": 12,
}
SAVED = {
    "consent": "",
    "licence": "CC0",
    "created": "",
    "keeps": "nothing",
    "reference_size": 128,
    "recogniser": "drawn faces (miniature)",
}
STEPS = 2
WORKFLOWS = (
    "1 Try without download - two people",
    "3 Try without download - ConsistentID",
    "5 Try without download - OmniPortrait",
    "6 Try without download - IP-Adapter",
    "7 Try without download - FaceStudio",
)


def workflow(name) -> dict[str, Any]:
    """A workflow as it is shipped, with fewer steps and pictures, its latents saved."""
    prompt = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    for node in prompt.values():
        node["inputs"].update(
            {key: value for key, value in (("steps", STEPS), ("batch_size", 1)) if key in node["inputs"]}
        )
    [sampler] = of_class(prompt, "KSampler")
    shown = {"SaveImage", "VAEDecode", "LikenessShowGuidance", "LikenessShowRoutingMap"}
    kept = {number: node for number, node in prompt.items() if node["class_type"] not in shown}
    return kept | {"90": {"class_type": "SaveLatent", "inputs": {"samples": [sampler, 0], "filename_prefix": "cards"}}}


def of_class(prompt, kind):
    return [number for number, node in prompt.items() if node["class_type"] == kind]


def save_node(number, name, sockets=SOCKETS, **given):
    inputs = {"people": [number, 0], "name": name, **{key: ["1", place] for key, place in sockets.items()}}
    return {"class_type": "LikenessSaveIdentityCard", "inputs": {**SAVED, **inputs, **given}}


def with_cards(prompt, cards):
    """The same graph with cards in the photos' place."""
    found = copy.deepcopy(prompt)
    for number, card in zip(of_class(prompt, "LikenessAddPerson"), cards, strict=True):
        inputs = found[number]["inputs"]
        kept = {
            key: inputs[key]
            for key in ("people", "mask", "strength", "start_percent", "end_percent", "name")
            if key in inputs
        }
        found[number] = {"class_type": "LikenessLoadIdentityCard", "inputs": {"card": card, **kept}}
    return found


@pytest.fixture(scope="module")
def latents(miniature_server):
    def run(prompt):
        miniature_server.free()
        [path] = miniature_server.output_files(miniature_server.run(prompt), "90", "latents")
        return load_file(path)["latent_tensor"]

    return run


def save(server, prompt, name, **given):
    """Save a card of everybody in a graph; gives the names of the files."""
    people = {number: prompt[number] for number in of_class(prompt, "LikenessAddPerson")}
    graph = {"1": {"class_type": "LikenessLoadMiniature", "inputs": {}}}
    for place, (number, node) in enumerate(people.items()):
        alone = {key: value for key, value in node["inputs"].items() if key != "people"}
        graph |= {number: {**node, "inputs": alone}, f"8{place}": save_node(number, f"{name} {place + 1}", **given)}
    server.run(graph)
    folder = server.base / "models" / "identities"
    return [f"{name} {place + 1}.safetensors" for place in range(len(people))], folder


@pytest.mark.parametrize("name", WORKFLOWS)
@pytest.mark.parametrize("keeps", ["nothing", pytest.param("photos", marks=pytest.mark.long)])
def test_a_workflow_with_cards_gives_the_latents_of_the_photos(miniature_server, latents, name, keeps):
    prompt = workflow(name)
    expected = latents(prompt)
    cards, folder = save(miniature_server, prompt, f"{keeps} {name[0]}", keeps=keeps)
    person = read_card(folder / cards[0]).person
    assert bool(person.photos) is (keeps == "photos")
    found = latents(with_cards(prompt, cards))
    assert expected.isfinite().all()
    assert torch.equal(found, expected)
    if name == WORKFLOWS[0]:  # the pictures follow the people at all
        assert not torch.equal(latents(with_cards(prompt, cards[:1] * 2)), expected)


def test_a_card_that_was_saved_again_is_read_again(miniature_server, latents):
    prompt = workflow("6 Try without download - IP-Adapter")
    cards, folder = save(miniature_server, prompt, "again")
    carded = with_cards(prompt, cards)
    first = latents(carded)
    [add] = of_class(prompt, "LikenessAddPerson")
    prompt[add]["inputs"]["photo"] = ["1", 10]
    others, _ = save(miniature_server, prompt, "other")
    (folder / others[0]).replace(folder / cards[0])
    entry = miniature_server.run(carded)  # nothing is forgotten in between
    [path] = miniature_server.output_files(entry, "90", "latents")
    assert not torch.equal(load_file(path)["latent_tensor"], first)


def test_names_are_numbered_and_never_leave_the_folder(miniature_server):
    from likeness.tools.comfyui.server import ComfyRunError

    prompt = workflow("6 Try without download - IP-Adapter")
    sockets = {"ip_adapter": 11}
    for _ in range(2):
        save(miniature_server, prompt, "same", sockets=sockets, created=str(_))
    folder = miniature_server.base / "models" / "identities"
    assert {"same 1.safetensors", "same 1 2.safetensors"} <= {path.name for path in folder.iterdir()}
    with pytest.raises(ComfyRunError, match="which names of files may not"):
        save(miniature_server, prompt, "../out", sockets=sockets)
    assert not list(miniature_server.base.rglob("out*.safetensors"))


def test_hostile_cards_say_one_sentence(miniature_server):
    from likeness.tools.comfyui.server import ComfyRunError

    prompt = workflow("6 Try without download - IP-Adapter")
    cards, folder = save(miniature_server, prompt, "cut")
    (folder / cards[0]).write_bytes((folder / cards[0]).read_bytes()[:-9])
    with pytest.raises(ComfyRunError, match="is truncated or damaged"):
        miniature_server.run(with_cards(prompt, cards))


def test_the_shipped_workflow_draws_the_person_of_its_card(latents, miniature_server):
    prompt = workflow("10 Try without download - identity card")
    assert torch.equal(latents(prompt), latents(workflow("2 Try without download - one person")))
    card = read_card(miniature_server.base / "models" / "identities" / "drawn person.safetensors")
    assert card.about.consent.startswith("A drawing")
    assert card.person.photos == ()
