"""The blueprints that are shipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..node import Node
from ..parts import sample
from ..uniportrait_parts import SAMPLING, load_uniportrait
from .inside import Inside

DENOISE = 0.5
DETAIL: dict[str, Any] = {**SAMPLING, "seed": 0}


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One shipped blueprint.

    Attributes:
        build: adds its nodes and both of its ends.
        description: what the page says about it.
        aliases: further words by which the node search finds it.
    """

    build: Callable[[Inside], None]
    description: str
    aliases: tuple[str, ...]


def two_people(inside: Inside) -> None:
    """Two photos into a MODEL, by UniPortrait with its router."""
    graph, model = inside.graph, inside.enter("model", "MODEL")
    adapter = load_uniportrait(graph)
    people: list[Node] = []
    for number in (1, 2):
        chain: dict[str, Any] = {"people": people[-1]["people"]} if people else {}
        photo = inside.enter(f"photo {number}", "IMAGE")
        people.append(graph.add("LikenessAddPerson", f"Person {number}", photo=photo, **chain))
    sockets: dict[str, Any] = {"uniportrait": adapter["uniportrait"], "people": people[-1]["people"]}
    applied = graph.add("LikenessApplyUniPortrait", model=model, **sockets)
    for person in people:
        inside.promote(person, "name", "strength")
    inside.promote(applied, "strength", "structure_scale")
    inside.leave("model", applied["model"])
    inside.leave("people", people[-1]["people"])
    inside.leave("preview", applied["preview"])


def face_detail(inside: Inside) -> None:
    """One face of a picture, painted again at the size of a portrait and put back."""
    graph = inside.graph
    image, model = inside.enter("image", "IMAGE"), inside.enter("model", "MODEL")
    texts = [inside.enter(name, "CONDITIONING") for name in ("positive", "negative")]
    vae = inside.enter("vae", "VAE")
    found = graph.add("LikenessDetectFaces", image=image, take="all")
    crop = graph.add("LikenessCropFace", image=image, faces=found["faces"])
    encoded = graph.add("VAEEncode", pixels=crop["crop"], vae=vae)
    masked = graph.add("SetLatentNoiseMask", samples=encoded["LATENT"], mask=crop["crop_mask"])
    sampled = sample(graph, model, texts, masked, DETAIL, denoise=DENOISE)
    decoded = graph.add("VAEDecode", samples=sampled["LATENT"], vae=vae)
    pasted = graph.add("LikenessPasteFace", image=image, crop=decoded["IMAGE"], square=crop["square"])
    inside.promote(crop, "number", "size")
    inside.promote(sampled, "seed", "steps", "cfg", "denoise")
    inside.promote(found, "detector")
    inside.leave("image", pasted["image"])


def best_of_batch(inside: Inside) -> None:
    """The pictures of a batch that are most like the people."""
    graph = inside.graph
    people, image = inside.enter("people", "LIKENESS_PEOPLE"), inside.enter("image", "IMAGE")
    scored = graph.add("LikenessScoreLikeness", people=people, image=image)
    kept = graph.add("LikenessKeepBest", scores=scored["scores"])
    inside.promote(kept, "count")
    inside.promote(scored, "recogniser", "detector")
    inside.leave("image", kept["image"])
    inside.leave("preview", scored["preview"])
    inside.leave("report", scored["report"])


BLUEPRINTS: Mapping[str, Blueprint] = {
    "Two people": Blueprint(
        two_people,
        "Puts two people into an SD1.5 model from a photo each, by UniPortrait; the router decides who is where.",
        ("same face", "character", "two faces", "likeness", "uniportrait"),
    ),
    "Face detail": Blueprint(
        face_detail,
        "Cuts one face out of a picture, paints it again at the size of a portrait and puts it back. Give it the model "
        "with that person alone.",
        ("face detailer", "fix face", "adetailer", "likeness"),
    ),
    "Best of batch": Blueprint(
        best_of_batch,
        "Keeps the pictures of a batch that are most like the people, the best first.",
        ("sort by likeness", "face similarity", "pick best", "likeness"),
    ),
}
