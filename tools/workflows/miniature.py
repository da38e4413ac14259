"""Workflows on the miniature: they need no file but those of this pack, and run at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .graph import Graph
from .guidance_parts import guide
from .layout import Group
from .node import Node, Socket
from .notes import (
    HOW_BEST,
    HOW_CARD,
    HOW_CONSISTENTID,
    HOW_FACESTUDIO,
    HOW_FACESTUDIO_TWO,
    HOW_GUIDANCE,
    HOW_IP_ADAPTER,
    HOW_OMNIPORTRAIT,
    HOW_ONE,
    HOW_TWO,
)
from .parts import add_prompts, arrange, sample, save, show_guidance, show_places
from .workflow import Collage, Workflow

SIZE = 128  # pixels; what the miniature has learned to draw
SAMPLING: dict[str, Any] = {"seed": 7, "steps": 20, "cfg": 2.0, "sampler_name": "euler", "scheduler": "simple"}
PICTURES = 4
DRAWN_TO_CHOOSE = 8
PORTRAIT, STYLE_PICTURE = "miniature-person-{number}.png", "miniature-style-{number}.png"
DETECTOR = "drawn faces (miniature)"
STRENGTH = 1.0
STRUCTURE = 0.3
ALPHA, AVERAGE, FACESTUDIO_CFG = 0.85, 4, 1.5  # chosen by looking
PIVOT = 1.5  # at 1, one row of the small text is too little
# Small latents are told apart at lower noise than those of 64 positions a side, for which the paper's numbers are.
GUIDANCE: dict[str, Any] = {"strength": 1.0, "start_percent": 0.6, "reference_percent": 0.7, "features": "fine"}
CARD = {"name": "drawn person", "consent": "A drawing: nobody had to be asked."}
ONE = "a man in a red shirt in front of blue and orange waves"
MARKED = ONE.replace("a man", "a man @id1")
TWO = "a man in a red shirt on the left and a boy in a green shirt on the right, against white and grey stripes"


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


def identity_card(graph: Graph) -> None:
    """One drawn portrait becomes an identity card, and the card pictures."""
    _uniportrait(graph, 1, ONE, HOW_CARD, card=CARD)


def facestudio(graph: Graph) -> None:
    """One drawn portrait in the style of a picture and of a text."""
    _facestudio(graph, 1, HOW_FACESTUDIO)


def facestudio_two(graph: Graph) -> None:
    """Two drawn portraits in the style of a picture, each inside a half of it."""
    _facestudio(graph, 2, HOW_FACESTUDIO_TWO)


def best_of_batch(graph: Graph) -> None:
    """One drawn portrait; of a batch of pictures those are kept that are most like it."""
    miniature = graph.add("LikenessLoadMiniature")
    [person] = people = _people(graph, miniature, 1)
    applied = _applied(graph, miniature, person)
    texts = add_prompts(graph, miniature["clip"], ONE, "")
    latent, sampled = _sampled(graph, applied["model"], texts, DRAWN_TO_CHOOSE)
    decoded = graph.add("VAEDecode", samples=sampled["LATENT"], vae=miniature["vae"])
    scored = graph.add(
        "LikenessScoreLikeness",
        people=person["people"],
        image=decoded["IMAGE"],
        latent=sampled["LATENT"],
        detector=DETECTOR,
    )
    kept = graph.add("LikenessKeepBest", scores=scored["scores"], count=PICTURES)
    saved = graph.add("SaveImage", images=kept["image"], filename_prefix=f"likeness/{graph.slug}")
    arrange(
        graph,
        HOW_BEST,
        [miniature],
        [Group("Person", [people])],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled, decoded]])],
        [Group("Is it them", [[scored]])],
        [Group("Result", [[kept, saved]])],
    )


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


def _sampled(
    graph: Graph, model: Socket, texts: Sequence[Node | Socket], pictures: int = PICTURES, **others: Any
) -> tuple[Node, Node]:
    """The empty latents and the sampler; `others` are its settings that differ."""
    latent = graph.add("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=pictures)
    return latent, sample(graph, model, texts, latent, SAMPLING | others)


def _uniportrait(graph: Graph, count: int, text: str, how: str, card: Mapping[str, Any] | None = None) -> None:
    miniature = graph.add("LikenessLoadMiniature")
    people = _people(graph, miniature, count)
    if card is not None:
        sockets: dict[str, Any] = {"people": people[-1]["people"], "uniportrait": miniature["uniportrait"]}
        people.append(graph.add("LikenessSaveIdentityCard", **sockets, **card))
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
    "9 Try without download - best of a batch": Workflow(best_of_batch, Collage(1)),
    "10 Try without download - identity card": Workflow(identity_card, Collage(1)),
}
