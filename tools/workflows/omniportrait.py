"""OmniPortrait's workflows: guidance by photos alone, and with the pivot."""

from __future__ import annotations

from collections.abc import Mapping

from .graph import Graph
from .guidance_parts import BY_WORD, IN_PREVIEW, NEGATIVE, SAMPLING, guide
from .layout import Group
from .notes import CONSENT, PHOTO, PHOTOS
from .parts import add_people, add_prompts, arrange, load_checkpoint, sample, save, show_guidance
from .workflow import Scheme, Workflow

ADAPTER = "omniportrait_sd15.safetensors"
TRAINED = """The pivot encoder (*Load OmniPortrait*, folder `omniportrait`) is not published by the paper's authors; this pack's trainer makes
one, see `docs/training.md`."""
HOW_GUIDANCE = f"""
{PHOTO}
3. Write a prompt with one person in it, and run.
4. *Show Guidance* plots the match step by step. If it rises little, raise `strength` (0.15 to 1). *not found* means that no face
   was seen in the preview at the guided steps; choose another seed, or link a mask to *Add Person*.

The checkpoint alone knows nothing of the person: guidance pulls what it draws towards the photo. For a portrait combine it with a
method that brings the person in (*UniPortrait - one person guided*, *ConsistentID - one person guided*).

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
    checkpoint = load_checkpoint(graph)
    people = add_people(graph, 1)
    texts = add_prompts(graph, checkpoint["CLIP"], "portrait photo of a person in a library, soft light", NEGATIVE)
    guided = guide(graph, checkpoint["MODEL"], checkpoint["VAE"], people[-1][-1], IN_PREVIEW)
    latent = graph.add("EmptyLatentImage", width=512, height=512)
    sampled = sample(graph, guided["model"], texts, latent, SAMPLING)
    arrange(
        graph,
        HOW_GUIDANCE,
        [checkpoint],
        [Group("Person", people)],
        [Group("Prompt", [texts])],
        [Group("Guidance", [[guided]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [save(graph, checkpoint["VAE"], sampled)]), show_guidance(graph, sampled)],
    )


def one_person(graph: Graph) -> None:
    """One photo, fused into the prompt's noun and guided where the picture attends to it."""
    _pivot(graph, 1, "photo of a man @id1 in a red scarf, in a snowy forest", HOW_PIVOT)


def two_people(graph: Graph) -> None:
    """Two photos, two nouns, two masks."""
    _pivot(graph, 2, "photo of a man @id1 and a woman @id2 at a table in a cafe, upper body", HOW_PIVOT_TWO)


def _pivot(graph: Graph, count: int, text: str, how: str) -> None:
    checkpoint = load_checkpoint(graph)
    adapter = graph.add("LikenessLoadOmniPortrait", omniportrait=ADAPTER)
    people = add_people(graph, count)
    prompt = graph.add(
        "LikenessEncodeOmniPortraitPrompt",
        clip=checkpoint["CLIP"],
        people=people[-1][-1]["people"],
        omniportrait=adapter["omniportrait"],
        text=text,
    )
    negative = graph.add("CLIPTextEncode", "Negative prompt", text=NEGATIVE, clip=checkpoint["CLIP"])
    guided = guide(graph, checkpoint["MODEL"], checkpoint["VAE"], people[-1][-1], BY_WORD)
    latent = graph.add("EmptyLatentImage", width=512 if count == 1 else 768, height=512)
    sampled = sample(graph, guided["model"], (prompt["conditioning"], negative), latent, SAMPLING)
    arrange(
        graph,
        how,
        [checkpoint, adapter],
        [Group("People", people)],
        [Group("Prompt", [[prompt, negative]])],
        [Group("Guidance", [[guided]])],
        [Group("Sampling", [[latent, sampled]])],
        [Group("Result", [save(graph, checkpoint["VAE"], sampled)]), show_guidance(graph, sampled)],
    )


WORKFLOWS: Mapping[str, Workflow] = {
    "Guidance - one person with any checkpoint": Workflow(guidance, Scheme(1, "guided", 26)),
    "OmniPortrait - one person": Workflow(one_person, Scheme(1, "guided", 35)),
    "OmniPortrait - two people": Workflow(two_people, Scheme(2, "guided", 7)),
}
