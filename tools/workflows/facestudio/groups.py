"""Several people in a style: inside masks, and in a photo that is drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...weights.known_files import BUFFALO_DETECTOR, SD15, YUNET
from ..graph import Graph
from ..layout import Group
from ..node import Node
from ..notes import CHOOSE_PHOTOS, CONSENT, RUN
from ..parts import add_person, add_prompts, arrange, sample, save, show_places
from ..workflow import Scheme, Workflow
from .parts import GENERIC, NEGATIVE, SETTINGS, apply, encode_style, load_models, prompts_of, style_column

SIZE: dict[str, Any] = {"width": 768, "height": 512}
SIDE = 320  # width of either mask; what is between them belongs to nobody
STRENGTH = 0.6  # of the img2img variant
HOW_MASKS = f"""
{CHOOSE_PHOTOS}
2. Choose the *Picture of the style*, and write a prompt with two people in it.
3. {RUN}

Everybody is drawn inside their own mask; *Show Routing Map* shows it. What no mask covers is drawn in the style without a face;
`background` of *Apply FaceStudio* lends it to somebody (`mean`, `nearest`, `random`). Masks of your own: link them to *Add Person*.
`by: faces` of *Place People* finds faces in the preview where somebody has no mask (connect `vae`).

{CONSENT}
"""
HOW_GROUP = f"""
1. Choose the *Group photo*, two people in it, with about as many pixels as SD1.5 draws (768 × 512).
2. Choose a picture for each mask: white where one of the two is, black elsewhere, as large as the photo. Any segmentation of people makes
   them; its MASK can also go straight into *Match People*. Their order does not matter.
3. Choose the *Picture of the style*, and run.

*Match People* brings the masks into the order of the people, from left to right, those with a face first, and shows it. More of the
photo: lower `denoise` of *KSampler* (0.5–0.8). The surroundings as they are: `background` `freeze`, and *Set Latent Noise Mask* with
`people_mask` of *Apply FaceStudio* before *KSampler*.

Another face: link its photo to *Add Person*, with `face` 1.

{CONSENT}
"""


def two_inside_masks(graph: Graph) -> None:
    """Two people, each inside a mask, and between them nobody."""
    models = load_models(graph)
    empty = graph.add("SolidMask", "No place", value=0.0, **SIZE)
    side = graph.add("SolidMask", "A side of the picture", value=1.0, width=SIDE, height=SIZE["height"])
    masks, people = [empty, side], list[list[Node]]()
    for number, (where, x) in enumerate((("left", 0), ("right", SIZE["width"] - SIDE)), 1):
        title = f"Mask of person {number}: {where} side"
        both: dict[str, Any] = {"destination": empty["MASK"], "source": side["MASK"]}
        masks.append(graph.add("MaskComposite", title, **both, x=x, y=0, operation="add"))
        people.append(add_person(graph, number, people[-1][-1] if people else None, mask=masks[-1]["MASK"]))
    style = encode_style(graph, models[-1])
    placed = graph.add("LikenessPlacePeople", by="masks")
    text = f"two people sitting in a cafe, talking, {GENERIC}"
    texts = add_prompts(graph, models[0]["CLIP"], text, NEGATIVE)
    given: dict[str, Any] = {"style": style[-1]["style"], "alpha": 1.0, "placement": placed["placement"]}
    applied = apply(graph, models, texts, people[-1][-1], **given)
    latent = graph.add("EmptyLatentImage", **SIZE)
    sampled = sample(graph, applied["model"], prompts_of(applied), latent, SETTINGS[SD15])
    saved = save(graph, models[0]["VAE"], sampled)
    arrange(
        graph,
        HOW_MASKS,
        models[:-1],
        [Group("Masks", [masks]), Group("Prompt", [texts])],
        [Group("People", people)],
        style_column(models[-1], style),
        [Group("Placement", [[placed]]), Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]]), Group("Result", [saved]), show_places(graph, sampled, saved[0])],
    )


def group_photo(graph: Graph) -> None:
    """The people of a photo, drawn anew in a style where they are."""
    models = load_models(graph)
    photo = graph.add("LoadImage", "Group photo", image="group.png")
    files = (YUNET, BUFFALO_DETECTOR)
    found = graph.add("LikenessDetectFaces", image=photo["IMAGE"], take="all", order="left to right", files=files)
    people = list[Node]()
    for number in (1, 2):
        chain: dict[str, Any] = {"people": people[-1]["people"]} if people else {}
        who: dict[str, Any] = {"photo": photo["IMAGE"], "order": "left to right", "face": number}
        people.append(graph.add("LikenessAddPerson", f"Add Person: person {number}", **who, **chain))
    pictures = [graph.add("LoadImage", f"Mask {number}", image=f"mask-{number}.png") for number in (1, 2)]
    both = graph.add("ImageBatch", "Both masks", image1=pictures[0]["IMAGE"], image2=pictures[1]["IMAGE"])
    masks = graph.add("ImageToMask", "As masks", image=both["IMAGE"], channel="red")
    sockets: dict[str, Any] = {"masks": masks["MASK"], "people": people[-1]["people"], "faces": found["faces"]}
    matched = graph.add("LikenessMatchPeople", **sockets)
    placed = graph.add("LikenessPlacePeople", by="masks", masks=matched["masks"], people=people[-1]["people"])
    style = encode_style(graph, models[-1])
    texts = add_prompts(graph, models[0]["CLIP"], f"two people, {GENERIC}", NEGATIVE)
    given: dict[str, Any] = {"style": style[-1]["style"], "alpha": 1.0, "placement": placed["placement"]}
    applied = apply(graph, models, texts, people[-1], **given)
    encoded = graph.add("VAEEncode", pixels=photo["IMAGE"], vae=models[0]["VAE"])
    sampled = sample(graph, applied["model"], prompts_of(applied), encoded, SETTINGS[SD15], denoise=STRENGTH)
    saved = save(graph, models[0]["VAE"], sampled)
    arrange(
        graph,
        HOW_GROUP,
        models[:-1],
        [Group("Photo", [[photo, found], people])],
        [Group("Masks", [[*pictures, both, masks], [matched, placed]])],
        style_column(models[-1], style),
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Sampling", [[encoded, sampled]]), Group("Result", [saved]), show_places(graph, sampled, saved[0])],
    )


WORKFLOWS: Mapping[str, Workflow] = {
    "FaceStudio - two people inside masks": Workflow(two_inside_masks, Scheme(2, "masks in a style", 67)),
    "FaceStudio - group photo in a style": Workflow(group_photo, Scheme(2, "redrawn", 68)),
}
