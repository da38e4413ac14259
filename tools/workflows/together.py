"""Workflows in which two methods act together on the same people."""

from __future__ import annotations

from collections.abc import Mapping

from . import consistentid_parts as consistentid
from . import uniportrait_parts as uniportrait
from .graph import Graph
from .guidance_parts import NEGATIVE, ON_TOP, SAMPLING, guide, load_face_parser
from .layout import Group
from .notes import CONSENT, PHOTO, PHOTOS
from .parts import add_people, add_prompts, arrange, load_checkpoint, sample, save, show_guidance, show_places
from .workflow import Scheme, Workflow

HOW_GUIDED = f"""
{PHOTO}
3. Write the prompt and run. The method brings the person in, guidance pulls details towards the photo.
4. *Show Guidance* plots the match step by step. Compare with *Apply Reference-Based Guidance* bypassed (Ctrl+B), same seed.

Several people: chain them, and connect *Place People* to say who is where.

{CONSENT}
"""
HOW_GUIDED_CONSISTENTID = f"""
{HOW_GUIDED.strip()}

`cfg` is 5, that of ConsistentID's demo: its words and face were tuned for it. The guidance's paper takes 7.5; it acts at both.
"""
HOW_ROUTER = f"""
{PHOTOS}
3. Write a prompt that names two people, and run.

ConsistentID brings the faces (`mode` is `corrected`, which takes several people); UniPortrait's router decides who is where, and
*Show Routing Map* shows it. Without the router: link a mask to each *Add Person* and remove *Place People*.

{CONSENT}
"""


def guided_uniportrait(graph: Graph) -> None:
    """UniPortrait brings the person in, guidance the details."""
    checkpoint, adapter = load_checkpoint(graph), uniportrait.load_uniportrait(graph)
    parser = load_face_parser(graph)
    people = add_people(graph, 1)
    applied = uniportrait.apply(graph, checkpoint["MODEL"], adapter, people[-1][-1])
    guided = guide(graph, applied["model"], checkpoint["VAE"], people[-1][-1], parser, strength=ON_TOP)
    text = "portrait photo of a person on a sailing boat, sunny day"
    texts = add_prompts(graph, checkpoint["CLIP"], text, NEGATIVE)
    latent = graph.add("EmptyLatentImage", width=512, height=512)
    sampled = sample(graph, guided["model"], texts, latent, SAMPLING)
    arrange(
        graph,
        HOW_GUIDED,
        [checkpoint, adapter, parser],
        [Group("Person", people)],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Guidance", [[guided]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [save(graph, checkpoint["VAE"], sampled)]), show_guidance(graph, sampled)],
    )


def guided_consistentid(graph: Graph) -> None:
    """ConsistentID brings the person in, guidance the details."""
    checkpoint, adapter = consistentid.load_models(graph)
    parser = load_face_parser(graph)
    people = add_people(graph, 1)
    texts = consistentid.STYLE.format("a person in a raincoat, in a city street at night"), NEGATIVE
    prompt = consistentid.encode(graph, checkpoint["CLIP"], adapter, people[-1][-1], texts)
    applied = consistentid.apply(graph, checkpoint["MODEL"], adapter, people[-1][-1])
    guided = guide(graph, applied["model"], checkpoint["VAE"], people[-1][-1], parser, strength=ON_TOP)
    latent = graph.add("EmptyLatentImage", width=512, height=768)
    settings = {**SAMPLING, "cfg": consistentid.SAMPLING["cfg"]}
    sampled = sample(graph, guided["model"], (prompt["positive"], prompt["negative"]), latent, settings)
    arrange(
        graph,
        HOW_GUIDED_CONSISTENTID,
        [checkpoint, adapter, parser],
        [Group("Person", people)],
        [Group("Prompt", [[prompt]]), Group("Who is in", [[applied]])],
        [Group("Guidance", [[guided]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [save(graph, checkpoint["VAE"], sampled)]), show_guidance(graph, sampled)],
    )


def routed_consistentid(graph: Graph) -> None:
    """Two people whose faces ConsistentID brings and UniPortrait's router places."""
    checkpoint, adapter = consistentid.load_models(graph, mode=consistentid.SEVERAL)
    router = uniportrait.load_uniportrait(graph)
    people = add_people(graph, 2)
    placed = graph.add("LikenessPlacePeople", by="router", uniportrait=router["uniportrait"])
    texts = "two people sitting side by side in a cafe, talking, window light", consistentid.NEGATIVE
    prompt = consistentid.encode(graph, checkpoint["CLIP"], adapter, people[-1][-1], texts)
    placement = {"placement": placed["placement"]}
    applied = consistentid.apply(graph, checkpoint["MODEL"], adapter, people[-1][-1], **placement)
    latent = graph.add("EmptyLatentImage", width=768, height=512)
    prompts = (prompt["positive"], prompt["negative"])
    sampled = sample(graph, applied["model"], prompts, latent, consistentid.SAMPLING)
    saved = save(graph, checkpoint["VAE"], sampled)
    arrange(
        graph,
        HOW_ROUTER,
        [checkpoint, adapter],
        [Group("People", people)],
        [Group("Prompt", [[prompt]]), Group("Router", [[router]])],
        [Group("Placement", [[placed]]), Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [saved]), show_places(graph, sampled, saved[0])],
    )


WORKFLOWS: Mapping[str, Workflow] = {
    "UniPortrait - one person guided": Workflow(guided_uniportrait, Scheme(1, "guided", 36)),
    "ConsistentID - one person guided": Workflow(guided_consistentid, Scheme(1, "guided", 37)),
    "ConsistentID - two people": Workflow(routed_consistentid, Scheme(2, scene=9)),
}
