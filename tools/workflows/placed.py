"""Workflows with two people on SDXL, where no router was published: found at their words, or at their faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..weights.known_files import (
    BUFFALO_DETECTOR,
    CONSISTENTID_SDXL,
    FACEID_PLUS_SDXL,
    IMAGE_ENCODER,
    RECOGNISER,
    SDXL,
    YUNET,
)
from . import consistentid_parts as consistentid
from .graph import Graph
from .ip_adapter import NEGATIVE, SDXL_SAMPLING
from .layout import Group
from .node import Node, Socket
from .notes import CONSENT, PHOTOS
from .parts import add_people, add_prompts, arrange, load_checkpoint, sample, save, show_places
from .workflow import Scheme, Workflow

SIZE: dict[str, Any] = {"width": 1216, "height": 832}
MARKED = "photo of a man @id1 and a woman @id2 standing side by side on a beach, upper body, evening sun"
PLAIN = "photo of two people standing side by side on a beach, upper body, evening sun"
WORDS = f"""
{PHOTOS}
3. Write a prompt: `@id1` behind the words for person 1, `@id2` behind those for person 2, `[the woman on the left] @id2` where several
   words are meant. Run.

Everybody stands where the picture attends to their words. The first step is shared by all; *Show Routing Map* shows who was where,
and who was not found. `by: faces` of *Place People* looks for faces in the preview instead (connect `vae`).

{CONSENT}
"""
FACES = f"""
{PHOTOS}
3. Write a prompt that names two people, and run.

A face detector looks at the preview at every fourth step; the face on the left is person 1, head and shoulders. Until two faces are seen
all share the picture; *Show Routing Map* shows who was where. `by: words` of *Place People* needs no detector: write the prompt in
*Encode People Prompt* then.

{CONSENT}
"""


def faceid_by_words(graph: Graph) -> None:
    """FaceID, each person where their words are drawn."""
    _faceid(graph, "words", WORDS)


def faceid_by_faces(graph: Graph) -> None:
    """FaceID, each person around a face in the preview."""
    _faceid(graph, "faces", FACES)


def consistentid_by_words(graph: Graph) -> None:
    """ConsistentID, each person where their words are drawn."""
    _consistentid(graph, "words", WORDS.replace("Encode People Prompt", "Encode ConsistentID Prompt"))


def consistentid_by_faces(graph: Graph) -> None:
    """ConsistentID, each person around a face in the preview."""
    _consistentid(graph, "faces", FACES.replace("Encode People Prompt", "Encode ConsistentID Prompt"))


def _place(graph: Graph, by: str, vae: Socket) -> Node:
    """Add Place People; at faces it decodes previews."""
    if by == "words":
        return graph.add("LikenessPlacePeople", by=by)
    return graph.add("LikenessPlacePeople", by=by, vae=vae, files=(YUNET, BUFFALO_DETECTOR))


def _faceid(graph: Graph, by: str, how: str) -> None:
    checkpoint = load_checkpoint(graph, SDXL)
    files = (FACEID_PLUS_SDXL, RECOGNISER, IMAGE_ENCODER)
    adapter = graph.add("LikenessLoadIPAdapter", ip_adapter=FACEID_PLUS_SDXL.name, files=files)
    people = add_people(graph, 2)
    placed = _place(graph, by, checkpoint["VAE"])
    applied = graph.add(
        "LikenessApplyIPAdapter",
        model=checkpoint["MODEL"],
        ip_adapter=adapter["ip_adapter"],
        people=people[-1][-1]["people"],
        placement=placed["placement"],
    )
    if by == "words":
        sockets: dict[str, Any] = {"clip": checkpoint["CLIP"], "people": people[-1][-1]["people"]}
        positive = graph.add("LikenessEncodePeoplePrompt", text=MARKED, **sockets)
        negative = graph.add("CLIPTextEncode", "Negative prompt", text=NEGATIVE, clip=checkpoint["CLIP"])
        texts, prompts = [positive, negative], [positive["conditioning"], negative["CONDITIONING"]]
    else:
        texts = add_prompts(graph, checkpoint["CLIP"], PLAIN, NEGATIVE)
        prompts = [text["CONDITIONING"] for text in texts]
    _finish(graph, how, [checkpoint, adapter], people, texts, placed, applied, prompts)


def _consistentid(graph: Graph, by: str, how: str) -> None:
    checkpoint, adapter = consistentid.load_models(graph, CONSISTENTID_SDXL, mode=consistentid.SEVERAL)
    people = add_people(graph, 2)
    placed = _place(graph, by, checkpoint["VAE"])
    texts = (MARKED if by == "words" else PLAIN), consistentid.NEGATIVE
    prompt = consistentid.encode(graph, checkpoint["CLIP"], adapter, people[-1][-1], texts, **SIZE)
    placement: dict[str, Any] = {"placement": placed["placement"]}
    applied = consistentid.apply(graph, checkpoint["MODEL"], adapter, people[-1][-1], **placement)
    prompts = [prompt["positive"], prompt["negative"]]
    _finish(graph, how, [checkpoint, adapter], people, [prompt], placed, applied, prompts)


def _finish(
    graph: Graph,
    how: str,
    models: list[Node],
    people: list[list[Node]],
    texts: list[Node],
    placed: Node,
    applied: Node,
    prompts: list[Socket],
) -> None:
    latent = graph.add("EmptyLatentImage", **SIZE)
    sampled = sample(graph, applied["model"], prompts, latent, SDXL_SAMPLING)
    saved = save(graph, models[0]["VAE"], sampled)
    arrange(
        graph,
        how,
        models,
        [Group("People", people)],
        [Group("Prompt", [texts]), Group("Placement", [[placed]])],
        [Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]]), Group("Result", [saved]), show_places(graph, sampled, saved[0])],
    )


WORKFLOWS: Mapping[str, Workflow] = {
    "IP-Adapter - two people with SDXL by words": Workflow(faceid_by_words, Scheme(2, scene=47)),
    "IP-Adapter - two people with SDXL by faces": Workflow(faceid_by_faces, Scheme(2, scene=48)),
    "ConsistentID - two people with SDXL by words": Workflow(consistentid_by_words, Scheme(2, scene=49)),
    "ConsistentID - two people with SDXL by faces": Workflow(consistentid_by_faces, Scheme(2, scene=50)),
}
