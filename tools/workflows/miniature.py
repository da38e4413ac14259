"""Workflows on the miniature: they need no file but those of this pack, and run at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .graph import Graph
from .guidance_parts import guide
from .layout import Group
from .node import Node, Socket
from .notes import MINIATURE
from .parts import add_prompts, arrange, sample, save, show_guidance, show_places
from .workflow import Collage, Workflow

SIZE = 128  # pixels; what the miniature has learned to draw
SAMPLING: dict[str, Any] = {"seed": 7, "steps": 20, "cfg": 2.0, "sampler_name": "euler", "scheduler": "simple"}
PICTURES = 4
PORTRAIT, STYLE_PICTURE = "miniature-person-{number}.png", "miniature-style-{number}.png"
DETECTOR = "drawn faces (miniature)"
STRENGTH = 1.0
STRUCTURE = 0.3
ALPHA, AVERAGE, FACESTUDIO_CFG = 0.85, 4, 1.5  # chosen by looking
PIVOT = 1.5  # at 1, one row of the small text is too little
# Small latents are told apart at lower noise than those of 64 positions a side, for which the paper's numbers are.
GUIDANCE: dict[str, Any] = {"strength": 1.0, "start_percent": 0.6, "reference_percent": 0.7, "features": "fine"}
ONE = "a man in a red shirt in front of blue and orange waves"
MARKED = ONE.replace("a man", "a man @id1")
TWO = "a man in a red shirt on the left and a boy in a green shirt on the right, against white and grey stripes"
HOW_TWO = f"""
1. Run: two people in every picture, each meant to have their own skin, hair and eyes. Not every picture succeeds: in some a head has
   hair of both.
2. *Show Routing Map* shows who was placed where; no mask was given.
3. Change the seed, the clothes in the prompt, or a portrait.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *UniPortrait - two people*.
"""
HOW_ONE = f"""
1. Run: four pictures of that person in other clothes, most of them with the same skin, hair and eyes.
2. *Add Person* shows the face that was found.
3. Change the seed, the shirt or the pattern in the prompt, or the person (*portrait_2* of *Load Miniature*).

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *UniPortrait - one person*.
"""
HOW_CONSISTENTID = f"""
1. Run: four pictures of that person. *Encode ConsistentID Prompt* shows which parts of the face were found.
2. A larger `start_percent` lets the text alone act first; the parts of the face are merged into it then.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *ConsistentID - one person*.
"""
HOW_GUIDANCE = f"""
1. Run: four pictures of the person, guided towards the portrait on top of UniPortrait.
2. *Show Guidance* plots the match of features step by step.
3. Bypass *Apply UniPortrait* (Ctrl+B) to see what guidance does by itself.

{MINIATURE.strip()}

Its latents are small, so guidance begins later and is stronger here than with a checkpoint of your own: *UniPortrait - one person
guided*.
"""
HOW_OMNIPORTRAIT = f"""
1. Run: four pictures of that person. *Encode OmniPortrait Prompt* fuses the portrait with the word before `@id1`; guidance pulls where
   the picture attends to that word.
2. Set `strength` of *Encode OmniPortrait Prompt* to 0 to see what guidance does by itself.

{MINIATURE.strip()}

The adapter was trained as `docs/training.md` says; with a checkpoint of your own and an adapter for it: *OmniPortrait - one person*.
"""
HOW_IP_ADAPTER = f"""
1. Run: four pictures of that person, of whom the model knows nothing but the face recogniser's vector.
2. Lower `strength` of *Apply IP-Adapter* leaves more to the text; `lora_strength` is the part of it that every picture gets.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *IP-Adapter - one person*.
"""
HOW_FACESTUDIO = f"""
1. Run: four pictures of that person in the style of the picture above *Encode Style*, whose own face is hidden before it is looked at.
2. `alpha` of *Apply FaceStudio* goes from the text of *Predict Image Embedding* (0) to the style picture (1).
3. Change the text, the style picture, or the person. There are no prompts: style and face are all that the model is told.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *FaceStudio - style and face*.
"""
HOW_FACESTUDIO_TWO = f"""
1. Run: two people in the style of a picture; each half of it reads its own person's face alone, and *Show Routing Map* shows the halves.
2. *Mix People* between the second *Add Person* and *Apply FaceStudio* makes one face of several.
3. `background` of *Apply FaceStudio* says whose the places of nobody are, where masks leave some.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *FaceStudio - two people inside masks*.
"""


def two_people(graph: Graph) -> None:
    """Two drawn portraits; the router gives every place in the picture to one of them."""
    _uniportrait(graph, 2, TWO, HOW_TWO)


def one_person(graph: Graph) -> None:
    """One drawn portrait, one person."""
    _uniportrait(graph, 1, ONE, HOW_ONE)


def consistentid(graph: Graph) -> None:
    """One drawn portrait, whose facial features go into the prompt."""
    miniature = graph.add("LikenessLoadMiniature")
    [person] = people = _people(graph, miniature, 1)
    sockets: dict[str, Any] = {"consistentid": miniature["consistentid"], "people": person["people"]}
    prompt = graph.add(
        "LikenessEncodeConsistentIDPrompt", clip=miniature["clip"], **sockets, positive=ONE, start_percent=0.0
    )
    applied = graph.add("LikenessApplyConsistentID", model=miniature["model"], **sockets)
    latent, sampled = _sampled(graph, applied["model"], (prompt["positive"], prompt["negative"]))
    arrange(
        graph,
        HOW_CONSISTENTID,
        [miniature],
        [Group("Person", [people])],
        [Group("Prompt", [[prompt]])],
        [Group("Sampling", [[applied, latent, sampled]])],
        [Group("Result", [save(graph, miniature["vae"], sampled)])],
    )


def guidance(graph: Graph) -> None:
    """One drawn portrait: UniPortrait brings the person in, guidance pulls towards the portrait."""
    miniature = graph.add("LikenessLoadMiniature")
    [person] = people = _people(graph, miniature, 1)
    applied = _applied(graph, miniature, person)
    placed = graph.add("LikenessPlacePeople", by="faces", detector=DETECTOR, vae=miniature["vae"])
    guided = guide(graph, applied["model"], miniature["vae"], person, miniature, placed, **GUIDANCE)
    texts = add_prompts(graph, miniature["clip"], ONE, "")
    latent, sampled = _sampled(graph, guided["model"], texts)
    arrange(
        graph,
        HOW_GUIDANCE,
        [miniature],
        [Group("Person", [people])],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Guidance", [[placed, guided]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [save(graph, miniature["vae"], sampled)]), show_guidance(graph, sampled)],
    )


def omniportrait(graph: Graph) -> None:
    """One drawn portrait, fused into the noun of the prompt and guided where the picture attends to it."""
    miniature = graph.add("LikenessLoadMiniature")
    [person] = people = _people(graph, miniature, 1)
    prompt = graph.add(
        "LikenessEncodeOmniPortraitPrompt",
        clip=miniature["clip"],
        people=person["people"],
        omniportrait=miniature["omniportrait"],
        text=MARKED,
        strength=PIVOT,
    )
    negative = graph.add("CLIPTextEncode", "Negative prompt", text="", clip=miniature["clip"])
    placed = graph.add("LikenessPlacePeople", by="words")
    guided = guide(graph, miniature["model"], miniature["vae"], person, miniature, placed, **GUIDANCE)
    latent, sampled = _sampled(graph, guided["model"], (prompt["conditioning"], negative))
    arrange(
        graph,
        HOW_OMNIPORTRAIT,
        [miniature],
        [Group("Person", [people])],
        [Group("Prompt", [[prompt, negative]])],
        [Group("Guidance", [[placed, guided]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [save(graph, miniature["vae"], sampled)]), show_guidance(graph, sampled)],
    )


def ip_adapter(graph: Graph) -> None:
    """One drawn portrait, by the vector of the face."""
    miniature = graph.add("LikenessLoadMiniature")
    [person] = people = _people(graph, miniature, 1)
    applied = graph.add(
        "LikenessApplyIPAdapter",
        model=miniature["model"],
        ip_adapter=miniature["ip_adapter"],
        people=person["people"],
        strength=STRENGTH,
    )
    texts = add_prompts(graph, miniature["clip"], ONE, "")
    latent, sampled = _sampled(graph, applied["model"], texts)
    arrange(
        graph,
        HOW_IP_ADAPTER,
        [miniature],
        [Group("Person", [people])],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [save(graph, miniature["vae"], sampled)])],
    )


def facestudio(graph: Graph) -> None:
    """One drawn portrait in the style of a picture and of a text."""
    _facestudio(graph, 1, HOW_FACESTUDIO)


def facestudio_two(graph: Graph) -> None:
    """Two drawn portraits in the style of a picture, each inside a half of it."""
    _facestudio(graph, 2, HOW_FACESTUDIO_TWO)


def _people(graph: Graph, miniature: Node, count: int, masks: Sequence[Socket] = ()) -> list[Node]:
    """A chain of drawn people, with masks or without."""
    people: list[Node] = []
    for number in range(1, count + 1):
        chain: dict[str, Any] = {"people": people[-1]["people"]} if people else {}
        if masks:
            chain["mask"] = masks[number - 1]
        title, photo = f"Add Person: person {number}", miniature[f"portrait_{number}"]
        people.append(graph.add("LikenessAddPerson", title, photo=photo, detector=DETECTOR, **chain))
    return people


def _applied(graph: Graph, miniature: Node, people: Node) -> Node:
    return graph.add(
        "LikenessApplyUniPortrait",
        model=miniature["model"],
        uniportrait=miniature["uniportrait"],
        people=people["people"],
        strength=STRENGTH,
        structure_scale=STRUCTURE,
    )


def _sampled(graph: Graph, model: Socket, texts: Sequence[Node | Socket], **others: Any) -> tuple[Node, Node]:
    """The empty latents and the sampler; `others` are its settings that differ."""
    latent = graph.add("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=PICTURES)
    return latent, sample(graph, model, texts, latent, SAMPLING | others)


def _uniportrait(graph: Graph, count: int, text: str, how: str) -> None:
    miniature = graph.add("LikenessLoadMiniature")
    people = _people(graph, miniature, count)
    applied = _applied(graph, miniature, people[-1])
    texts = add_prompts(graph, miniature["clip"], text, "")
    latent, sampled = _sampled(graph, applied["model"], texts)
    saved = save(graph, miniature["vae"], sampled)
    shown = [show_places(graph, sampled, saved[0])] if count > 1 else []
    arrange(
        graph,
        how,
        [miniature],
        [Group("People", [[person] for person in people])],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [saved]), *shown],
    )


def _halves(graph: Graph) -> list[Node]:
    """Masks of the left and the right half: what is empty, a half, and both."""
    empty = graph.add("SolidMask", "No place", value=0.0, width=SIZE, height=SIZE)
    half = graph.add("SolidMask", "Half of the picture", value=1.0, width=SIZE // 2, height=SIZE)
    sides = [
        graph.add("MaskComposite", title, destination=empty["MASK"], source=half["MASK"], x=left, y=0, operation="add")
        for title, left in (("Left half", 0), ("Right half", SIZE // 2))
    ]
    return [empty, half, *sides]


def _facestudio(graph: Graph, count: int, how: str) -> None:
    miniature = graph.add("LikenessLoadMiniature")
    masks = _halves(graph) if count > 1 else []
    people = _people(graph, miniature, count, [mask["MASK"] for mask in masks[2:]])
    facestudio: dict[str, Any] = {"facestudio": miniature["facestudio"]}
    style = graph.add(
        "LikenessEncodeStyle",
        picture=miniature[f"style_picture_{count}"],
        face_detector=miniature["face_detector"],
        face_parser=miniature["face_parser"],
        **facestudio,
    )
    given: dict[str, Any] = {"style": style["style"], "people": people[-1]["people"], "alpha": 1.0}
    styles = [style]
    if count == 1:
        clip, prior = miniature["clip"], miniature["prior"]
        text = graph.add("LikenessPredictImageEmbedding", clip=clip, loaded_prior=prior, text=ONE, average=AVERAGE)
        given |= {"text": text["style"], "alpha": ALPHA}
        styles.append(text)
    applied = graph.add("LikenessApplyFaceStudio", model=miniature["model"], **facestudio, **given)
    prompts = (applied["positive"], applied["negative"])
    latent, sampled = _sampled(graph, applied["model"], prompts, cfg=FACESTUDIO_CFG)
    saved = save(graph, miniature["vae"], sampled)
    shown = [show_places(graph, sampled, saved[0])] if count > 1 else []
    arrange(
        graph,
        how,
        [miniature],
        [*([Group("Masks", [masks])] if masks else []), Group("People", [[person] for person in people])],
        [Group("Style", [styles])],
        [Group("Who is in", [[applied]]), Group("Sampling", [[latent, sampled]])],
        [Group("Result", [saved]), *shown],
    )


WORKFLOWS: Mapping[str, Workflow] = {
    "1 Try without download - two people": Workflow(two_people, Collage(2)),
    "2 Try without download - one person": Workflow(one_person, Collage(1)),
    "3 Try without download - ConsistentID": Workflow(consistentid, Collage(1)),
    "4 Try without download - guidance": Workflow(guidance, Collage(1)),
    "5 Try without download - OmniPortrait": Workflow(omniportrait, Collage(1)),
    "6 Try without download - IP-Adapter": Workflow(ip_adapter, Collage(1)),
    "7 Try without download - FaceStudio": Workflow(facestudio, Collage(1)),
    "8 Try without download - FaceStudio with two people": Workflow(facestudio_two, Collage(2)),
}
