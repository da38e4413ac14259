"""OmniPortrait's workflows: guidance by references alone, with the pivot, and on top of other methods' people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import consistentid, uniportrait
from .graph import Graph, Group, Node, Socket
from .notes import (
    CONSISTENTID_DOWNLOADS,
    DOWNLOADS,
    HOW_ADAPTER_GUIDANCE,
    HOW_PIVOT,
    HOW_PIVOT_TWO,
    HOW_REFERENCE_GUIDANCE,
    OMNIPORTRAIT_DOWNLOADS,
    PIVOT_DOWNLOADS,
)
from .parts import CHECKPOINT, notes, prompts, sample, save

ADAPTER = "omniportrait_sd15.safetensors"
# The paper's: 50 DDIM steps, guidance 5; u = 0.6 and t0 = 671 are the defaults of the node.
SAMPLING: dict[str, Any] = {"seed": 42, "steps": 50, "cfg": 5.0, "sampler_name": "ddim", "scheduler": "ddim_uniform"}
NEGATIVE = "lowres, bad anatomy, worst quality, low quality, blurry"
STRENGTH = 0.3
IN_PREVIEW, BY_WORD = "face in the preview", "word in the prompt"


def guidance(graph: Graph) -> None:
    """A plain checkpoint, guided towards a photo."""
    checkpoint = _checkpoint(graph)
    person = _person(graph, checkpoint["VAE"], 1)
    texts = prompts(graph, checkpoint["CLIP"], "portrait photo of a person in a library, soft light", NEGATIVE)
    guided = guide(graph, checkpoint["MODEL"], person[-1], IN_PREVIEW, vae=checkpoint["VAE"])
    _finish(
        graph, checkpoint, person, texts, guided, "reference-guidance", HOW_REFERENCE_GUIDANCE, OMNIPORTRAIT_DOWNLOADS
    )


def pivot(graph: Graph) -> None:
    """One photo, fused into the prompt's noun and guided where the picture attends to it."""
    _pivot(graph, 1, "photo of a man @id1 in a red scarf, in a snowy forest", "omniportrait-portrait", HOW_PIVOT)


def two_people(graph: Graph) -> None:
    """Two photos, two nouns, two masks."""
    text = "photo of a man @id1 and a woman @id2 at a table in a cafe, upper body"
    _pivot(graph, 2, text, "omniportrait-two-people", HOW_PIVOT_TWO)


def with_uniportrait(graph: Graph) -> None:
    """UniPortrait brings the person in, guidance the details."""
    models = uniportrait.load_models(graph)
    vae = models.checkpoint["VAE"]
    person = uniportrait.add_person(graph, models, 1)
    reference = _reference(graph, person[1], vae, 1)
    applied = uniportrait.apply(graph, models, models.checkpoint["MODEL"], person[-1], uniportrait.STRUCTURE_ONE)
    guided = guide(graph, applied["model"], reference, IN_PREVIEW, vae=vae)
    texts = prompts(
        graph, models.checkpoint["CLIP"], "portrait photo of a person on a sailing boat, sunny day", NEGATIVE
    )
    latent = graph.add("EmptyLatentImage", width=512, height=512)
    sampled = sample(graph, guided["model"], texts, latent["LATENT"], SAMPLING)
    graph.place(
        [
            [notes(graph, HOW_ADAPTER_GUIDANCE, DOWNLOADS)],
            [models.column],
            [Group("Person", [[*person, reference]])],
            [Group("Prompt", [[texts]])],
            [Group("Sampling", [[[applied, guided, latent, sampled]]])],
            [saved(graph, vae, sampled, "uniportrait-guidance"), shown(graph, guided, sampled)],
        ]
    )


def with_consistentid(graph: Graph) -> None:
    """ConsistentID brings the person in, guidance the details."""
    models = consistentid.load_models(graph)
    vae = models.checkpoint["VAE"]
    person = consistentid.add_person(graph, models, 1)
    reference = _reference(graph, person[1], vae, 1)
    text = consistentid.STYLE.format("a person in a raincoat, in a city street at night")
    prompt = consistentid.encode(graph, models, person[-1], text, NEGATIVE, (512, 768))
    applied = consistentid.apply(graph, models, person[-1])
    guided = guide(graph, applied["model"], reference, IN_PREVIEW, vae=vae)
    latent = graph.add("EmptyLatentImage", width=512, height=768)
    texts = (prompt["positive"], prompt["negative"])
    sampled = sample(graph, guided["model"], texts, latent["LATENT"], SAMPLING)
    graph.place(
        [
            [notes(graph, HOW_ADAPTER_GUIDANCE, CONSISTENTID_DOWNLOADS)],
            [models.column],
            [Group("Person", [[*person, reference]])],
            [Group("Prompt", [[[prompt]]])],
            [Group("Sampling", [[[applied, guided, latent, sampled]]])],
            [saved(graph, vae, sampled, "consistentid-guidance"), shown(graph, guided, sampled)],
        ]
    )


def guide(graph: Graph, model: Socket, references: Node, find_by: str, **settings: Any) -> Node:
    """Reference-Based Guidance at the end of a chain of models."""
    inputs: dict[str, Any] = {"strength": STRENGTH, **settings}
    return graph.add(
        "LikenessApplyReferenceGuidance", model=model, references=references["references"], find_by=find_by, **inputs
    )


def saved(graph: Graph, vae: Socket, sampled: Node, name: str) -> Group:
    """The frame with the finished picture."""
    return Group("Result", [[save(graph, vae, sampled, name)]])


def shown(graph: Graph, guided: Node, sampled: Node) -> Group:
    """The frame with what guidance did."""
    record = graph.add("LikenessShowGuidance", model=guided["model"], latent=sampled["LATENT"])
    plot = graph.add("PreviewImage", "How alike it became", images=record["plot"])
    masks = graph.add("MaskToImage", mask=record["masks"])
    places = graph.add("PreviewImage", "Where the face was", images=masks["IMAGE"])
    return Group("Guidance", [[[record, masks], [plot, places]]])


def _pivot(graph: Graph, count: int, text: str, name: str, how: str) -> None:
    checkpoint = _checkpoint(graph)
    adapter = graph.add("LikenessLoadOmniPortrait", omniportrait=ADAPTER)
    rows: list[list[Node]] = []
    for number in range(1, count + 1):
        rows.append(_person(graph, checkpoint["VAE"], number, rows[-1][-1] if rows else None))
    prompt = graph.add(
        "LikenessEncodeOmniPortraitPrompt",
        clip=checkpoint["CLIP"],
        references=rows[-1][-1]["references"],
        text=text,
        omniportrait=adapter["omniportrait"],
    )
    negative = graph.add("CLIPTextEncode", "Negative prompt", text=NEGATIVE, clip=checkpoint["CLIP"])
    guided = guide(graph, checkpoint["MODEL"], rows[-1][-1], BY_WORD)
    latent = graph.add("EmptyLatentImage", width=512 if count == 1 else 768, height=512)
    texts = (prompt["conditioning"], negative["CONDITIONING"])
    sampled = sample(graph, guided["model"], texts, latent["LATENT"], SAMPLING)
    graph.place(
        [
            [notes(graph, how, PIVOT_DOWNLOADS)],
            [Group("Models", [[[checkpoint, adapter]]])],
            [Group("People", rows)],
            [Group("Prompt", [[[prompt, negative]]])],
            [Group("Sampling", [[[guided, latent, sampled]]])],
            [saved(graph, checkpoint["VAE"], sampled, name), shown(graph, guided, sampled)],
        ]
    )


def _finish(
    graph: Graph, checkpoint: Node, person: list[Node], texts: list[Node], guided: Node, name: str, how: str, files: str
) -> None:
    latent = graph.add("EmptyLatentImage", width=512, height=512)
    sampled = sample(graph, guided["model"], texts, latent["LATENT"], SAMPLING)
    graph.place(
        [
            [notes(graph, how, files)],
            [Group("Models", [[[checkpoint]]])],
            [Group("Person", [person])],
            [Group("Prompt", [[texts]])],
            [Group("Sampling", [[[guided, latent, sampled]]])],
            [saved(graph, checkpoint["VAE"], sampled, name), shown(graph, guided, sampled)],
        ]
    )


def _checkpoint(graph: Graph) -> Node:
    return graph.add("CheckpointLoaderSimple", ckpt_name=CHECKPOINT)


def _person(graph: Graph, vae: Socket, number: int, before: Node | None = None) -> list[Node]:
    photo = graph.add("LoadImage", f"Photo of person {number}", image=f"person-{number}.png")
    faces = graph.add("LikenessDetectFaces", image=photo["IMAGE"])
    return [photo, faces, _reference(graph, faces, vae, number, before)]


def _reference(graph: Graph, faces: Node, vae: Socket, number: int, before: Node | None = None) -> Node:
    links: dict[str, Socket] = {"references": before["references"]} if before else {}
    title = f"Add OmniPortrait Reference: person {number}"
    return graph.add("LikenessAddOmniPortraitReference", title, photo=faces["faces"], vae=vae, **links)


WORKFLOWS: Mapping[str, Callable[[Graph], None]] = {
    "reference-guidance": guidance,
    "omniportrait-portrait": pivot,
    "omniportrait-two-people": two_people,
    "uniportrait-guidance": with_uniportrait,
    "consistentid-guidance": with_consistentid,
}
