"""IP-Adapter's workflows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..weights.known_files import (
    FACEID_PLUS_SD15,
    FACEID_PLUS_SDXL,
    IMAGE_ENCODER,
    IP_ADAPTER_PLUS,
    RECOGNISER,
    SD15,
    SDXL,
    KnownFile,
)
from .graph import Graph
from .layout import Group
from .node import Node
from .notes import CONSENT, PHOTO, PHOTOS
from .parts import add_people, add_prompts, arrange, load_checkpoint, sample, save, show_places
from .uniportrait_parts import load_uniportrait
from .workflow import Scheme, Workflow

# Settings of the published demo: 30 DDIM steps, guidance 7.5, and 5 with SDXL.
SAMPLING = {"seed": 2023, "steps": 30, "cfg": 7.5, "sampler_name": "ddim", "scheduler": "ddim_uniform"}
SDXL_SAMPLING = {**SAMPLING, "cfg": 5.0}
NEGATIVE = "monochrome, lowres, bad anatomy, worst quality, low quality, blurry"
BESIDE_WORDS = 0.5  # strength of a picture beside a prompt, as published
HOW_ONE = f"""
{PHOTO}
3. Write the prompt. No trigger word is needed. *Apply IP-Adapter* shows what the file was taken for.

More like the photo, pose and expression included: raise `structure_scale` of *Apply IP-Adapter*. More of the text: lower `strength`
(0.6–0.8).

{CONSENT}
"""
HOW_ROUTER = f"""
{PHOTOS}
3. Write a prompt that names two people, and run.

FaceID brings the faces, UniPortrait's router decides at every place of the picture whose face belongs there; *Show Routing Map*
shows it. Without the router: link a mask to each *Add Person* and remove *Place People*.

{CONSENT}
"""
HOW_STYLE = f"""
{PHOTOS}
3. Choose the picture whose style is to be followed, write a prompt that names two people, and run.

The second *Apply IP-Adapter* follows the picture in the blocks that decide about style (`blocks`); `linear` follows what it shows
as well. How strongly: `picture_strength`.

{CONSENT}
"""


def one_person(graph: Graph) -> None:
    """One photo, SD1.5."""
    text = "portrait photo of a person in a garden, wearing a straw hat, soft morning light"
    _one_person(graph, SD15, FACEID_PLUS_SD15, text, {"width": 512, "height": 768}, SAMPLING)


def one_with_sdxl(graph: Graph) -> None:
    """One photo, SDXL."""
    text = "portrait photo of a person in a library, wearing a linen shirt, window light"
    _one_person(graph, SDXL, FACEID_PLUS_SDXL, text, {"width": 1024, "height": 1024}, SDXL_SAMPLING)


def two_by_router(graph: Graph) -> None:
    """Two people whose faces FaceID brings and UniPortrait's router places (UniPortrait, Table 2)."""
    checkpoint, adapter = load_checkpoint(graph), _load(graph, FACEID_PLUS_SD15, RECOGNISER)
    _two_people(graph, checkpoint, adapter, "two people walking on a beach, evening sun", HOW_ROUTER)


def two_in_a_style(graph: Graph) -> None:
    """The same, painted in the style of a picture."""
    checkpoint, adapter = load_checkpoint(graph), _load(graph, FACEID_PLUS_SD15, RECOGNISER)
    _two_people(
        graph, checkpoint, adapter, "two people at a table in front of a house, painting", HOW_STYLE, styled=True
    )


def _load(graph: Graph, *files: KnownFile) -> Node:
    """Add a loader; the first file is named, since `auto` would take any other kind too."""
    return graph.add("LikenessLoadIPAdapter", ip_adapter=files[0].name, files=(*files, IMAGE_ENCODER))


def _one_person(
    graph: Graph, base: KnownFile, file: KnownFile, text: str, size: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    checkpoint, adapter = load_checkpoint(graph, base), _load(graph, file, RECOGNISER)
    people = add_people(graph, 1)
    applied = graph.add(
        "LikenessApplyIPAdapter",
        model=checkpoint["MODEL"],
        ip_adapter=adapter["ip_adapter"],
        people=people[-1][-1]["people"],
    )
    texts = add_prompts(graph, checkpoint["CLIP"], text, NEGATIVE)
    latent = graph.add("EmptyLatentImage", **size)
    sampled = sample(graph, applied["model"], texts, latent, settings)
    arrange(
        graph,
        HOW_ONE,
        [checkpoint, adapter],
        [Group("Person", people)],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]]), Group("Result", [save(graph, checkpoint["VAE"], sampled)])],
    )


def _two_people(graph: Graph, checkpoint: Node, adapter: Node, text: str, how: str, *, styled: bool = False) -> None:
    router = load_uniportrait(graph)
    people = add_people(graph, 2)
    placed = graph.add("LikenessPlacePeople", by="router", uniportrait=router["uniportrait"])
    applied = graph.add(
        "LikenessApplyIPAdapter",
        model=checkpoint["MODEL"],
        ip_adapter=adapter["ip_adapter"],
        people=people[-1][-1]["people"],
        placement=placed["placement"],
    )
    models, style, last = [checkpoint, adapter], [], applied
    if styled:
        plus = _load(graph, IP_ADAPTER_PLUS)
        picture = graph.add("LoadImage", "Picture whose style is followed", image="style.png")
        last = graph.add(
            "LikenessApplyIPAdapter",
            "Apply IP-Adapter: style",
            model=applied["model"],
            ip_adapter=plus["ip_adapter"],
            picture=picture["IMAGE"],
            picture_strength=BESIDE_WORDS,
            blocks="style transfer",
        )
        models, style = [*models, plus], [[Group("Style", [[picture, last]])]]
    texts = add_prompts(graph, checkpoint["CLIP"], text, NEGATIVE)
    latent = graph.add("EmptyLatentImage", width=768, height=512)
    sampled = sample(graph, last["model"], texts, latent, SAMPLING)
    saved = save(graph, checkpoint["VAE"], sampled)
    arrange(
        graph,
        how,
        models,
        [Group("People", people)],
        [Group("Prompt", [texts]), Group("Placement", [[router, placed]])],
        [Group("Who is in", [[applied]])],
        *style,
        [Group("Sampling", [[latent, sampled]]), Group("Result", [saved]), show_places(graph, sampled, saved[0])],
    )


WORKFLOWS: Mapping[str, Workflow] = {
    "IP-Adapter - one person": Workflow(one_person, Scheme(1, scene=41)),
    "IP-Adapter - one person with SDXL": Workflow(one_with_sdxl, Scheme(1, scene=43)),
    "IP-Adapter - two people by the router": Workflow(two_by_router, Scheme(2, scene=44)),
    "IP-Adapter - two people in a style": Workflow(two_in_a_style, Scheme(2, scene=46)),
}
