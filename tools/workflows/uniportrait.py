"""UniPortrait's workflows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .graph import Graph
from .layout import Group
from .notes import CONSENT, PHOTO, PHOTOS
from .parts import add_people, add_person, add_pose, add_prompts, arrange, load_checkpoint, sample, save, show_places
from .uniportrait_group import group_with_sharp_faces
from .uniportrait_parts import NEGATIVE, SAMPLING, apply, load_uniportrait
from .workflow import Scheme, Workflow

LORA = "your-lora.safetensors"
WIDE: dict[str, Any] = {"width": 768, "height": 512}
HALF = 384
HOW_ONE = f"""
{PHOTO}
3. Write the prompt. No trigger word is needed.

Too much like the photo, pose included: lower `strength` of *Apply UniPortrait* (0.5–0.7). Too little: raise it a little.

{CONSENT}
"""
HOW_SEVERAL = f"""
{PHOTOS}
3. Write a prompt that names as many people as there are photos. No word of it has to say who is who.

The router decides at every place of the picture whose face belongs there; no masks are needed. *Show Routing Map* shows who was
placed where. For a further person chain another *Add Person* through `people`.

{CONSENT}
"""
HOW_POSE = f"""
{PHOTOS}
3. Choose a picture of two skeletons (OpenPose), and a LoRA of your own (SD1.5), or bypass *Load LoRA* (Ctrl+B).
4. Write the prompt and run.

The ControlNet guides poses only; it never sees the faces.

{CONSENT}
"""
HOW_MASKS = f"""
{PHOTOS}
3. Person 1 has a mask, the left half of the picture, and stays inside it; person 2 gets what is left.
4. For a free shape, paint a mask in a *Load Image* (right click, *Open in MaskEditor*) and link its MASK instead.

Masks of your own for both: link one to each *Add Person*.

{CONSENT}
"""


def one_person(graph: Graph) -> None:
    """One photo, one person."""
    text = "portrait photo of a person in a blue jacket, autumn park, soft light"
    _placed(graph, 1, text, HOW_ONE, {"width": 512, "height": 512})


def two_people(graph: Graph) -> None:
    """Two photos; the router gives every place in the picture to one of them."""
    _placed(graph, 2, "two people sitting side by side on a bench, smiling, park, natural light", HOW_SEVERAL, WIDE)


def three_people(graph: Graph) -> None:
    """Three photos; nothing else differs."""
    text = "three friends standing next to each other at the seaside, upper body, daylight"
    _placed(graph, 3, text, HOW_SEVERAL, WIDE)


def two_in_a_pose(graph: Graph) -> None:
    """Two people in a given pose, with a LoRA of the user's own."""
    checkpoint, adapter = load_checkpoint(graph), load_uniportrait(graph)
    people = add_people(graph, 2)
    lora = graph.add(
        "LoraLoader",
        "Load LoRA (your own)",
        model=checkpoint["MODEL"],
        clip=checkpoint["CLIP"],
        lora_name=LORA,
        strength_model=0.8,
        strength_clip=0.8,
    )
    applied = apply(graph, lora["MODEL"], adapter, people[-1][-1])
    texts = add_prompts(graph, lora["CLIP"], "two people dancing in a ballroom, elegant clothes", NEGATIVE)
    posed = add_pose(graph, texts, "Picture of the poses")
    latent = graph.add("EmptyLatentImage", **WIDE)
    sampled = sample(graph, applied["model"], (posed[-1]["positive"], posed[-1]["negative"]), latent, SAMPLING)
    saved = save(graph, checkpoint["VAE"], sampled)
    arrange(
        graph,
        HOW_POSE,
        [checkpoint, adapter, lora],
        [Group("People", people)],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Poses", [posed])],
        [Group("Sampling", [[latent, sampled]]), Group("Result", [saved])],
    )


def two_inside_masks(graph: Graph) -> None:
    """Two people, one inside a mask, the other in what it leaves."""
    checkpoint, adapter = load_checkpoint(graph), load_uniportrait(graph)
    empty = graph.add("SolidMask", "No place", value=0.0, **WIDE)
    half = graph.add("SolidMask", "Half of the picture", value=1.0, width=HALF, height=WIDE["height"])
    mask = graph.add(
        "MaskComposite",
        "Mask of person 1: left half",
        destination=empty["MASK"],
        source=half["MASK"],
        x=0,
        y=0,
        operation="add",
    )
    first = add_person(graph, 1, mask=mask["MASK"])
    people = [first, add_person(graph, 2, first[-1])]
    applied = apply(graph, checkpoint["MODEL"], adapter, people[-1][-1])
    texts = add_prompts(graph, checkpoint["CLIP"], "two people talking at a kitchen table, morning light", NEGATIVE)
    latent = graph.add("EmptyLatentImage", **WIDE)
    sampled = sample(graph, applied["model"], texts, latent, SAMPLING)
    saved = save(graph, checkpoint["VAE"], sampled)
    arrange(
        graph,
        HOW_MASKS,
        [checkpoint, adapter],
        [Group("Mask", [[empty, half, mask]])],
        [Group("People", people)],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]]), Group("Result", [saved])],
    )


def _placed(graph: Graph, count: int, text: str, how: str, size: Mapping[str, Any]) -> None:
    checkpoint, adapter = load_checkpoint(graph), load_uniportrait(graph)
    people = add_people(graph, count)
    applied = apply(graph, checkpoint["MODEL"], adapter, people[-1][-1])
    texts = add_prompts(graph, checkpoint["CLIP"], text, NEGATIVE)
    latent = graph.add("EmptyLatentImage", **size)
    sampled = sample(graph, applied["model"], texts, latent, SAMPLING)
    saved = save(graph, checkpoint["VAE"], sampled)
    shown = [show_places(graph, sampled, saved[0])] if count > 1 else []
    arrange(
        graph,
        how,
        [checkpoint, adapter],
        [Group("People", people)],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [saved]), *shown],
    )


WORKFLOWS: Mapping[str, Workflow] = {
    "UniPortrait - one person": Workflow(one_person, Scheme(1, scene=10)),
    "UniPortrait - two people": Workflow(two_people, Scheme(2)),
    "UniPortrait - three people": Workflow(three_people, Scheme(3)),
    "UniPortrait - two people in a given pose": Workflow(two_in_a_pose, Scheme(2, "pose", 3)),
    "UniPortrait - two people inside masks": Workflow(two_inside_masks, Scheme(2, "masks", 5)),
    "UniPortrait - group with sharp faces": Workflow(group_with_sharp_faces, Scheme(3, "close-ups", 4)),
}
