"""ConsistentID's workflows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..weights.known_files import CONSISTENTID_SD15, CONSISTENTID_SDXL, FACE_PARSER, KnownFile
from .consistentid_parts import NEGATIVE, SAMPLING, SEVERAL, STYLE, apply, encode, load_models
from .graph import Graph
from .layout import Group
from .notes import CONSENT, PHOTO
from .parts import add_people, add_person, arrange, sample, save
from .workflow import Scheme, Workflow

# Of the published demos, where they differ from those of the portrait.
SDXL_SAMPLING = {**SAMPLING, "cfg": 7.5}
INPAINT_SAMPLING = {**SAMPLING, "cfg": 7.5, "sampler_name": "ddim", "scheduler": "ddim_uniform"}
SDXL_NEGATIVE = "(worst quality, low quality, illustration, 3d, 2d, painting, cartoons, sketch), open mouth"
CAPTION = "A face with bright eyes, a straight nose and a friendly mouth, small ears half under the hair."
GROWN = 12  # pixels around the face that are painted anew too
HOW_ONE = f"""
{PHOTO}
3. Write the prompt. A description of the face is added behind it; *The prompt as assembled* shows it, with `<|facial|>` after every
   word that takes a part of the face. *Encode ConsistentID Prompt* shows the parts that were found.

Up to *from* (`start_percent`) the text alone acts, then the face is merged into it. More of the face: a smaller one, 0 merges at once. More
of the text: a larger one.

{CONSENT}
"""
HOW_SDXL = f"""
{HOW_ONE.strip()}

SDXL is told the picture's size: keep `width` and `height` of *Encode ConsistentID Prompt* equal to those of *Empty Latent Image*.
"""
HOW_NEW_FACE = f"""
1. Choose the photo. Its face is painted anew; the same photo also says whose face it is.
2. *Parse Face* finds the face; `expand` makes the mask larger. Another of its masks can be linked to *VAE Encode (for Inpainting)*
   instead: hair, clothes, background.
3. Write what the new face does, and run.

The photo should be near 512 pixels; scale it before if it is much larger.

{CONSENT}
"""
HOW_MIXING = f"""
1. Choose two photos: person 1 gives the face, person 2 the eyes and the mouth. Person 2 has strength 0: they only lend.
2. *Set Facial Features* says so: `eyes` and `mouth` of person 1 are off, and `others_from` is 2. Each feature has a strength.
3. `caption` says what the face is like; the words face, eyes, ears, nose and mouth in it take the features. Empty: a plain sentence.
4. Write the prompt and run.

{CONSENT}
"""


def portrait(graph: Graph) -> None:
    """One photo, SD1.5, the settings of the published demo."""
    texts = STYLE.format("a person in a red scarf, in a forest, adventuring"), NEGATIVE
    _portrait(graph, CONSISTENTID_SD15, texts, {"width": 512, "height": 768}, SAMPLING, HOW_ONE)


def sdxl_portrait(graph: Graph) -> None:
    """One photo, SDXL."""
    texts = STYLE.format("a person in a doctor's coat, in a bright laboratory"), SDXL_NEGATIVE
    _portrait(graph, CONSISTENTID_SDXL, texts, {"width": 864, "height": 1152}, SDXL_SAMPLING, HOW_SDXL)


def new_face(graph: Graph) -> None:
    """The face in a photo painted anew, inside a mask of the face parser."""
    checkpoint, adapter = load_models(graph, purpose="inpaint")
    parser = graph.add("LikenessLoadFaceParser", face_parser=FACE_PARSER.name, files=(FACE_PARSER,))
    photo, person = add_person(graph)
    parsed = graph.add("LikenessParseFace", face_parser=parser["face_parser"], image=photo["IMAGE"], expand=GROWN)
    texts = "a smiling person, looking at the camera, soft daylight", NEGATIVE
    prompt = encode(graph, checkpoint["CLIP"], adapter, person, texts)
    applied = apply(graph, checkpoint["MODEL"], adapter, person)
    latent = graph.add("VAEEncodeForInpaint", pixels=photo["IMAGE"], vae=checkpoint["VAE"], mask=parsed["face"])
    prompts = (prompt["positive"], prompt["negative"])
    sampled = sample(graph, applied["model"], prompts, latent, INPAINT_SAMPLING)
    arrange(
        graph,
        HOW_NEW_FACE,
        [checkpoint, adapter, parser],
        [Group("Person", [[photo, person]])],
        [Group("What is painted anew", [[parsed, latent]])],
        [Group("Prompt", [[prompt]])],
        [Group("Sampling", [[applied, sampled]])],
        [Group("Result", [save(graph, checkpoint["VAE"], sampled)])],
    )


def mixed_face(graph: Graph) -> None:
    """The face of one person with the eyes and the mouth of another, and a caption of one's own."""
    checkpoint, adapter = load_models(graph, mode=SEVERAL)
    first = add_person(graph, 1)
    people = [first, add_person(graph, 2, first[-1], strength=0.0)]
    features = graph.add("LikenessSetFacialFeatures", person=1, caption=CAPTION, eyes=False, mouth=False, others_from=2)
    texts = STYLE.format("a person on a (windy:1.1) beach, evening sun"), NEGATIVE
    given = {"features": features["features"]}
    prompt = encode(graph, checkpoint["CLIP"], adapter, people[-1][-1], texts, **given)
    applied = apply(graph, checkpoint["MODEL"], adapter, people[-1][-1])
    latent = graph.add("EmptyLatentImage", width=512, height=768)
    sampled = sample(graph, applied["model"], (prompt["positive"], prompt["negative"]), latent, SAMPLING)
    arrange(
        graph,
        HOW_MIXING,
        [checkpoint, adapter],
        [Group("People", people)],
        [Group("Who gives what", [[features]])],
        [Group("Prompt", [[prompt]])],
        [Group("Sampling", [[applied, latent, sampled]])],
        [Group("Result", [save(graph, checkpoint["VAE"], sampled)]), _assembled(graph, prompt)],
    )


def _portrait(
    graph: Graph,
    adapter_file: KnownFile,
    texts: tuple[str, str],
    size: Mapping[str, Any],
    settings: Mapping[str, Any],
    how: str,
) -> None:
    checkpoint, adapter = load_models(graph, adapter_file)
    people = add_people(graph, 1)
    told = size if adapter_file is CONSISTENTID_SDXL else {}
    prompt = encode(graph, checkpoint["CLIP"], adapter, people[-1][-1], texts, **told)
    applied = apply(graph, checkpoint["MODEL"], adapter, people[-1][-1])
    latent = graph.add("EmptyLatentImage", **size)
    sampled = sample(graph, applied["model"], (prompt["positive"], prompt["negative"]), latent, settings)
    arrange(
        graph,
        how,
        [checkpoint, adapter],
        [Group("Person", people)],
        [Group("Prompt", [[prompt]])],
        [Group("Sampling", [[applied, latent, sampled]])],
        [Group("Result", [save(graph, checkpoint["VAE"], sampled)]), _assembled(graph, prompt)],
    )


def _assembled(graph: Graph, prompt: Any) -> Group:
    shown = graph.add("PreviewAny", "The prompt as assembled", source=prompt["text"])
    return Group("Text", [[shown]])


WORKFLOWS: Mapping[str, Workflow] = {
    "ConsistentID - one person": Workflow(portrait, Scheme(1, scene=20)),
    "ConsistentID - one person with SDXL": Workflow(sdxl_portrait, Scheme(1, scene=30)),
    "ConsistentID - new face in a photo": Workflow(new_face, Scheme(1, "new face", 33)),
    "ConsistentID - eyes and mouth of another person": Workflow(mixed_face, Scheme(2, "features", 25)),
}
