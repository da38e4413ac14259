"""Workflows on the miniature: they need no file but those of this pack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .graph import Graph, Group, Node, Socket
from .notes import (
    HOW_MINIATURE_CONSISTENTID,
    HOW_MINIATURE_GUIDANCE,
    HOW_MINIATURE_OMNIPORTRAIT,
    HOW_MINIATURE_ONE,
    HOW_MINIATURE_TWO,
    MINIATURE_FILES,
)
from .omniportrait import BY_WORD, IN_PREVIEW, guide, shown
from .parts import notes, prompts, result, sample, save

SIZE = 128  # pixels; what the miniature has learned to draw
SAMPLING: dict[str, Any] = {"seed": 7, "steps": 20, "cfg": 2.0, "sampler_name": "euler", "scheduler": "simple"}
PICTURES = 4
PORTRAIT = "miniature-person-{number}.png"
STRENGTH = 1.0
STRUCTURE = 0.3
PIVOT = 1.5  # at 1, one row of the small text is too little
# Small latents are told apart at lower noise than those of 64 positions a side, for which the paper's numbers are.
GUIDANCE: dict[str, Any] = {"strength": 1.0, "start_percent": 0.6, "reference_percent": 0.7, "features": "fine"}
MERGE: dict[str, Any] = {"merge_by": "percent", "start_percent": 0.0}
ONE = "a man in a red shirt in front of blue and orange waves"
MARKED = ONE.replace("a man", "a man @id1")
TWO = "a man in a red shirt on the left and a boy in a green shirt on the right, against white and grey stripes"


def one_person(graph: Graph) -> None:
    """One drawn portrait, one person."""
    miniature = graph.add("LikenessLoadMiniature")
    person = _person(graph, miniature, 1)
    sampled, texts, group = _sampled(graph, miniature, person[-1], ONE)
    graph.place(
        [
            [notes(graph, HOW_MINIATURE_ONE, MINIATURE_FILES)],
            [Group("Models", [[[miniature]]])],
            [Group("People", [person])],
            [Group("Prompt", [[texts]])],
            [group],
            [_saved(graph, miniature, sampled, "miniature-one-person")],
        ]
    )


def two_people(graph: Graph) -> None:
    """Two drawn portraits; the router gives every place in the picture to one of them."""
    miniature = graph.add("LikenessLoadMiniature")
    first = _person(graph, miniature, 1)
    second = _person(graph, miniature, 2, first[-1])
    sampled, texts, group = _sampled(graph, miniature, second[-1], TWO)
    saved, map_group = result(graph, miniature["vae"], sampled.sources["model"], sampled, "miniature-two-people")
    graph.place(
        [
            [notes(graph, HOW_MINIATURE_TWO, MINIATURE_FILES)],
            [Group("Models", [[[miniature]]])],
            [Group("People", [first, second])],
            [Group("Prompt", [[texts]])],
            [group],
            [saved, map_group],
        ]
    )


def consistentid(graph: Graph) -> None:
    """One drawn portrait, whose facial regions go into the prompt."""
    miniature = graph.add("LikenessLoadMiniature")
    photo, faces = _faces(graph, miniature, 1)
    readers: dict[str, Any] = {
        "consistentid": miniature["consistentid"],
        "clip_vision": miniature["clip_vision"],
        "photo": faces["faces"],
    }
    regions = graph.add("LikenessEncodeFacialRegions", **readers, face_parser=miniature["face_parser"])
    identity = graph.add("LikenessAddConsistentIDIdentity", **readers, regions=regions["regions"])
    prompt = graph.add(
        "LikenessEncodeConsistentIDPrompt",
        consistentid=miniature["consistentid"],
        clip=miniature["clip"],
        identities=identity["identities"],
        positive=ONE,
        negative="",
        **MERGE,
    )
    applied = graph.add(
        "LikenessApplyConsistentID",
        model=miniature["model"],
        consistentid=miniature["consistentid"],
        identities=identity["identities"],
    )
    latent = graph.add("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=PICTURES)
    texts = (prompt["positive"], prompt["negative"])
    sampled = sample(graph, applied["model"], texts, latent["LATENT"], SAMPLING)
    graph.place(
        [
            [notes(graph, HOW_MINIATURE_CONSISTENTID, MINIATURE_FILES)],
            [Group("Models", [[[miniature]]])],
            [Group("Person", [[photo, faces, regions, identity]])],
            [Group("Prompt", [[[prompt]]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [_saved(graph, miniature, sampled, "miniature-consistentid")],
        ]
    )


def guidance(graph: Graph) -> None:
    """One drawn portrait: UniPortrait brings the person in, guidance pulls towards the portrait."""
    miniature = graph.add("LikenessLoadMiniature")
    photo, faces, identity = _person(graph, miniature, 1)
    reference = _reference(graph, miniature, faces)
    applied = graph.add(
        "LikenessApplyUniPortrait",
        model=miniature["model"],
        uniportrait=miniature["uniportrait"],
        identities=identity["identities"],
        structure_scale=STRUCTURE,
    )
    preview = {"vae": miniature["vae"], "face_analysis": miniature["face_analysis"]}
    guided = guide(graph, applied["model"], reference, IN_PREVIEW, **preview, **GUIDANCE)
    texts = prompts(graph, miniature["clip"], ONE, "")
    latent = graph.add("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=PICTURES)
    sampled = sample(graph, guided["model"], texts, latent["LATENT"], SAMPLING)
    graph.place(
        [
            [notes(graph, HOW_MINIATURE_GUIDANCE, MINIATURE_FILES)],
            [Group("Models", [[[miniature]]])],
            [Group("Person", [[photo, faces, identity, reference]])],
            [Group("Prompt", [[texts]])],
            [Group("Sampling", [[[applied, guided, latent, sampled]]])],
            [_saved(graph, miniature, sampled, "miniature-guidance"), shown(graph, guided, sampled)],
        ]
    )


def omniportrait(graph: Graph) -> None:
    """One drawn portrait, fused into the noun of the prompt and guided where the picture attends to it."""
    miniature = graph.add("LikenessLoadMiniature")
    photo, faces = _faces(graph, miniature, 1)
    reference = _reference(graph, miniature, faces)
    prompt = graph.add(
        "LikenessEncodeOmniPortraitPrompt",
        clip=miniature["clip"],
        references=reference["references"],
        text=MARKED,
        omniportrait=miniature["omniportrait"],
        strength=PIVOT,
    )
    negative = graph.add("CLIPTextEncode", "Negative prompt", text="", clip=miniature["clip"])
    guided = guide(graph, miniature["model"], reference, BY_WORD, **GUIDANCE)
    latent = graph.add("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=PICTURES)
    texts = (prompt["conditioning"], negative["CONDITIONING"])
    sampled = sample(graph, guided["model"], texts, latent["LATENT"], SAMPLING)
    graph.place(
        [
            [notes(graph, HOW_MINIATURE_OMNIPORTRAIT, MINIATURE_FILES)],
            [Group("Models", [[[miniature]]])],
            [Group("Person", [[photo, faces, reference]])],
            [Group("Prompt", [[[prompt, negative]]])],
            [Group("Sampling", [[[guided, latent, sampled]]])],
            [_saved(graph, miniature, sampled, "miniature-omniportrait"), shown(graph, guided, sampled)],
        ]
    )


def _reference(graph: Graph, miniature: Node, faces: Node) -> Node:
    return graph.add(
        "LikenessAddOmniPortraitReference",
        photo=faces["faces"],
        vae=miniature["vae"],
        face_parser=miniature["face_parser"],
        size=SIZE,
    )


def _faces(graph: Graph, miniature: Node, number: int) -> tuple[Node, Node]:
    photo = graph.add("LoadImage", f"Drawn person {number}", image=PORTRAIT.format(number=number))
    faces = graph.add("LikenessDetectFaces", image=photo["IMAGE"], face_analysis=miniature["face_analysis"])
    return photo, faces


def _person(graph: Graph, miniature: Node, number: int, before: Node | None = None) -> list[Node]:
    photo, faces = _faces(graph, miniature, number)
    links: dict[str, Socket] = {"identities": before["identities"]} if before else {}
    identity = graph.add(
        "LikenessAddUniPortraitIdentity",
        f"Add UniPortrait Identity: person {number}",
        uniportrait=miniature["uniportrait"],
        clip_vision=miniature["clip_vision"],
        photo=faces["faces"],
        strength=STRENGTH,
        **links,
    )
    return [photo, faces, identity]


def _sampled(graph: Graph, miniature: Node, people: Node, prompt: str) -> tuple[Node, list[Node], Group]:
    """The sampler, both texts, and the frame of the sampler."""
    applied = graph.add(
        "LikenessApplyUniPortrait",
        model=miniature["model"],
        uniportrait=miniature["uniportrait"],
        identities=people["identities"],
        structure_scale=STRUCTURE,
    )
    texts = prompts(graph, miniature["clip"], prompt, "")
    latent = graph.add("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=PICTURES)
    sampled = sample(graph, applied["model"], texts, latent["LATENT"], SAMPLING)
    return sampled, texts, Group("Sampling", [[[applied, latent, sampled]]])


def _saved(graph: Graph, miniature: Node, sampled: Node, name: str) -> Group:
    return Group("Result", [[save(graph, miniature["vae"], sampled, name)]])


WORKFLOWS: Mapping[str, Callable[[Graph], None]] = {
    "miniature-one-person": one_person,
    "miniature-two-people": two_people,
    "miniature-consistentid": consistentid,
    "miniature-guidance": guidance,
    "miniature-omniportrait": omniportrait,
}
