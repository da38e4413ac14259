"""OmniPortrait's workflows: guidance by photos alone, and with the pivot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..weights.known_files import SD15, SDXL, KnownFile
from .graph import Graph
from .guidance_parts import NEGATIVE, SAMPLING, guide, load_face_parser
from .layout import Group
from .notes import CONSENT, PHOTO, PHOTOS
from .parts import add_people, add_pose, add_prompts, arrange, load_checkpoint, sample, save, show_guidance
from .workflow import Scheme, Workflow

SIDES = {SD15: 512, SDXL: 1024}  # pixels of pictures, and of the references that guidance looks at
ADAPTER = "omniportrait_sd15.safetensors"
TRAINED = """The pivot encoder (*Load OmniPortrait*, folder `omniportrait`) is not published by the paper's authors; this pack's trainer makes
one, see `docs/training.md`."""
HOW_GUIDANCE = f"""
{PHOTO}
3. Write a prompt with one person in it, and run.
4. *Show Guidance* plots the match step by step. If the face changes too little, raise `strength` (1 to 3). *not found* means that no face
   was seen in the preview at the guided steps; choose another seed, or link a mask to *Add Person*.

The checkpoint alone knows nothing of the person: guidance pulls what it draws towards the photo. For a portrait combine it with a
method that brings the person in (*UniPortrait - one person guided*, *ConsistentID - one person guided*).

The face parser outlines the face in the photo. Without its file delete *Load Face Parser*: an ellipse is taken.

{CONSENT}
"""
HOW_SDXL = f"""
{HOW_GUIDANCE.strip()}

The photo is looked at in 1024 × 1024 pixels, as the picture is (`reference_size`). Where memory is short, parts of a guided step
are computed twice, which takes longer.
"""
HOW_POSE = f"""
{PHOTO}
3. Choose a picture of one skeleton (OpenPose) as *Picture of the pose*.
4. Write a prompt with one person in it, and run.

The ControlNet says how the person stands; guidance pulls the face towards the photo. Neither needs the other: bypass one (Ctrl+B) to
see what it does. *Show Guidance* plots the match step by step.

{CONSENT}
"""
HOW_PIVOT = f"""
{PHOTO}
3. Write the prompt with `@id1` behind the noun that is this person: *a man @id1 in a red scarf*.

The face is fused into that noun; from 40 % of the sampling on, features are pulled towards the photo where the picture attends to the
noun. `strength` of *Encode OmniPortrait Prompt*: how far the noun becomes the person; of the guidance: details.

{TRAINED}

{CONSENT}
"""
HOW_PIVOT_TWO = f"""
{PHOTOS}
3. Write the prompt with `@id1` and `@id2` behind their nouns: *a man @id1 and a woman @id2 in a cafe*.

Everybody is pulled inside their own mask; masks never overlap. For a further person chain another *Add Person* through `people`.

{TRAINED}

{CONSENT}
"""


def guidance(graph: Graph) -> None:
    """A plain checkpoint, guided towards a photo."""
    _guided(graph, SD15, "portrait photo of a person in a library, soft light", HOW_GUIDANCE)


def sdxl_guidance(graph: Graph) -> None:
    """A plain SDXL checkpoint, guided towards a photo of its own size."""
    text = "portrait photo of a person on a balcony above a city, golden hour"
    _guided(graph, SDXL, text, HOW_SDXL, reference_size=SIDES[SDXL])


def posed_guidance(graph: Graph) -> None:
    """A plain checkpoint in a given pose, guided towards a photo."""
    _guided(graph, SD15, "photo of a person dancing on a stage, spotlight", HOW_POSE, is_posed=True)


def one_person(graph: Graph) -> None:
    """One photo, fused into the prompt's noun and guided where the picture attends to it."""
    _pivot(graph, 1, "photo of a man @id1 in a red scarf, in a snowy forest", HOW_PIVOT)


def two_people(graph: Graph) -> None:
    """Two photos, two nouns, two masks."""
    _pivot(graph, 2, "photo of a man @id1 and a woman @id2 at a table in a cafe, upper body", HOW_PIVOT_TWO)


def _guided(
    graph: Graph, checkpoint_file: KnownFile, text: str, how: str, *, is_posed: bool = False, **given: Any
) -> None:
    checkpoint, parser = load_checkpoint(graph, checkpoint_file), load_face_parser(graph)
    people = add_people(graph, 1)
    texts: list[Any] = add_prompts(graph, checkpoint["CLIP"], text, NEGATIVE)
    guided = guide(graph, checkpoint["MODEL"], checkpoint["VAE"], people[-1][-1], parser, **given)
    posed = add_pose(graph, texts, "Picture of the pose") if is_posed else []
    side = SIDES[checkpoint_file]
    latent = graph.add("EmptyLatentImage", width=side, height=side)
    prompts = (posed[-1]["positive"], posed[-1]["negative"]) if is_posed else texts
    sampled = sample(graph, guided["model"], prompts, latent, SAMPLING)
    arrange(
        graph,
        how,
        [checkpoint, parser],
        [Group("Person", people)],
        [Group("Prompt", [texts])],
        *([[Group("Pose", [posed])]] if is_posed else []),
        [Group("Guidance", [[guided]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [save(graph, checkpoint["VAE"], sampled)]), show_guidance(graph, sampled)],
    )


def _pivot(graph: Graph, count: int, text: str, how: str) -> None:
    checkpoint = load_checkpoint(graph)
    adapter, parser = graph.add("LikenessLoadOmniPortrait", omniportrait=ADAPTER), load_face_parser(graph)
    people = add_people(graph, count)
    prompt = graph.add(
        "LikenessEncodeOmniPortraitPrompt",
        clip=checkpoint["CLIP"],
        people=people[-1][-1]["people"],
        omniportrait=adapter["omniportrait"],
        text=text,
    )
    negative = graph.add("CLIPTextEncode", "Negative prompt", text=NEGATIVE, clip=checkpoint["CLIP"])
    placed = graph.add("LikenessPlacePeople", by="words")
    guided = guide(graph, checkpoint["MODEL"], checkpoint["VAE"], people[-1][-1], parser, placed)
    latent = graph.add("EmptyLatentImage", width=512 if count == 1 else 768, height=512)
    sampled = sample(graph, guided["model"], (prompt["conditioning"], negative), latent, SAMPLING)
    arrange(
        graph,
        how,
        [checkpoint, adapter, parser],
        [Group("People", people)],
        [Group("Prompt", [[prompt, negative]])],
        [Group("Guidance", [[placed, guided]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [save(graph, checkpoint["VAE"], sampled)]), show_guidance(graph, sampled)],
    )


WORKFLOWS: Mapping[str, Workflow] = {
    "Guidance - one person with any checkpoint": Workflow(guidance, Scheme(1, "guided", 26)),
    "Guidance - one person with SDXL": Workflow(sdxl_guidance, Scheme(1, "guided", 29)),
    "Guidance - one person in a given pose": Workflow(posed_guidance, Scheme(1, "guided pose", 28)),
    "OmniPortrait - one person": Workflow(one_person, Scheme(1, "guided", 35)),
    "OmniPortrait - two people": Workflow(two_people, Scheme(2, "guided", 7)),
}
