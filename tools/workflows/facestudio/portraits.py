"""One person in a style: of a picture, of a text, in another view, and with a trained file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...weights.known_files import OPENAI_VIT_L, PRIOR_BIGG, RECOGNISER, SD15, SDXL, KnownFile
from ..graph import Graph
from ..layout import Group
from ..node import Node
from ..notes import CHOOSE_PHOTO, CONSENT, RUN
from ..parts import add_people, add_prompts, arrange, load_checkpoint, sample, save
from ..workflow import Scheme, Workflow
from .parts import (
    GENERIC,
    HIDDEN,
    NEGATIVE,
    SETTINGS,
    SIZES,
    apply,
    encode_style,
    load_models,
    prompts_of,
    save_row,
    style_column,
)

HOW = f"""
{CHOOSE_PHOTO}
2. Choose the *Picture of the style*: a painting, a photo, anything. It is followed in what it shows and how it is drawn.
3. {RUN}

The prompt may stay: then picture and face say everything. What you write into it is added. More of the style: `style_strength` of
*FaceStudio from IP-Adapters*; more of the face: `face_strength`.

{HIDDEN}

{CONSENT}
"""
HOW_TEXT = f"""
{CHOOSE_PHOTO}
2. Choose the *Picture of the style*, and write what is to be seen into *Predict Image Embedding*, as plain words.
3. {RUN}

A prior translates the text into what CLIP might have seen in such a picture; `alpha` of *Apply FaceStudio* mixes both: 1 follows the
picture alone, 0 the text alone. Another `seed` of *Predict Image Embedding* is another reading of the text.

{HIDDEN}

{CONSENT}
"""
HOW_VIEWS = f"""
{CHOOSE_PHOTO}
2. Choose two pictures of somebody, whoever it is, seen as you want to see your person: from the left, from the right, from below.
3. {RUN}

Pose, clothes and surroundings come from these pictures, the face from the photo. Both are drawn from one seed
(*Seed of both pictures*).

{HIDDEN}

{CONSENT}
"""
HOW_TRAINED = f"""
{CHOOSE_PHOTO}
2. Choose the *Picture of the style*.
3. {RUN}

No FaceStudio file is published; this pack's trainer makes one, see `docs/training.md`. It belongs in `facestudio`. Style and face
are all that it reads, so there are no prompts. A text goes in by *Predict Image Embedding* (input `text`, and `negative_text` for
what is not wanted), with OpenAI's ViT-L/14 text encoder and the prior of Karlo or Kandinsky 2.1.

{HIDDEN}

{CONSENT}
"""
TRAINED_SETTINGS = {"seed": 2023, "steps": 30, "cfg": 5.0, "sampler_name": "ddim", "scheduler": "ddim_uniform"}
VIEWS = ("view-1.png", "view-2.png")


def style_and_face(graph: Graph) -> None:
    """A picture's style and a photo's face, SD1.5."""
    _styled(graph, SD15)


def with_sdxl(graph: Graph) -> None:
    """A picture's style and a photo's face, SDXL."""
    _styled(graph, SDXL)


def with_text(graph: Graph) -> None:
    """A style that is half a picture's and half a text's."""
    _styled(graph, SDXL, text="a person in a lighthouse above a stormy sea, oil painting")


def views(graph: Graph) -> None:
    """One face in the poses of two pictures."""
    models = load_models(graph)
    people = add_people(graph, 1)
    styles = [
        encode_style(graph, models[-1], f"Picture of view {number}", image) for number, image in enumerate(VIEWS, 1)
    ]
    texts = add_prompts(graph, models[0]["CLIP"], GENERIC, NEGATIVE)
    latent = graph.add("EmptyLatentImage", **SIZES[SD15])
    seed = graph.add("PrimitiveInt", "Seed of both pictures", value=SETTINGS[SD15]["seed"])
    drawn = []
    for number, (_, style) in enumerate(styles, 1):
        title = f"Apply FaceStudio: view {number}"
        applied = apply(graph, models, texts, people[-1][-1], title, style=style["style"], alpha=1.0)
        settings = {**SETTINGS[SD15], "seed": seed["INT"]}
        drawn.append([applied, sample(graph, applied["model"], prompts_of(applied), latent, settings)])
    arrange(
        graph,
        HOW_VIEWS,
        models[:-1],
        [Group("Person", people)],
        style_column(models[-1], *styles),
        [Group("Prompt", [texts]), Group("Sampling", [[latent, seed]])],
        [Group("Each view", drawn)],
        [Group("Result", save_row(graph, models[0]["VAE"], [sampled for _, sampled in drawn]))],
    )


def trained(graph: Graph) -> None:
    """A trained file, which takes no prompts."""
    checkpoint = load_checkpoint(graph, SD15)
    facestudio = graph.add("LikenessLoadFaceStudio", files=(OPENAI_VIT_L, RECOGNISER))
    people, style = add_people(graph, 1), encode_style(graph, facestudio)
    applied = apply(graph, [checkpoint, facestudio], [], people[-1][-1], style=style[-1]["style"], alpha=1.0)
    latent = graph.add("EmptyLatentImage", width=512, height=512)
    sampled = sample(graph, applied["model"], prompts_of(applied), latent, TRAINED_SETTINGS)
    arrange(
        graph,
        HOW_TRAINED,
        [checkpoint, facestudio],
        [Group("Person", people)],
        [Group("Style", [style])],
        [Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]]), Group("Result", [save(graph, checkpoint["VAE"], sampled)])],
    )


def _styled(graph: Graph, base: KnownFile, *, text: str = "") -> None:
    models = load_models(graph, base)
    people, style = add_people(graph, 1), encode_style(graph, models[-1])
    texts = add_prompts(graph, models[0]["CLIP"], GENERIC, NEGATIVE)
    given: dict[str, Any] = {"style": style[-1]["style"], "alpha": 1.0}
    predicted: list[Node] = []
    if text:
        predicted = [
            graph.add("LikenessPredictImageEmbedding", clip=models[0]["CLIP"], text=text, files=(PRIOR_BIGG,)),
        ]
        given |= {"text": predicted[0]["style"], "alpha": 0.5}
    applied = apply(graph, models, texts, people[-1][-1], **given)
    latent = graph.add("EmptyLatentImage", **SIZES[base])
    sampled = sample(graph, applied["model"], prompts_of(applied), latent, SETTINGS[base])
    arrange(
        graph,
        HOW_TEXT if text else HOW,
        models[:-1],
        [Group("Person", people)],
        style_column(models[-1], style),
        [*([Group("Text", [predicted])] if text else []), Group("Prompt", [texts])],
        [Group("Who is in", [[applied]])],
        [Group("Sampling", [[latent, sampled]]), Group("Result", [save(graph, models[0]["VAE"], sampled)])],
    )


WORKFLOWS: Mapping[str, Workflow] = {
    "FaceStudio - style and face": Workflow(style_and_face, Scheme(1, "style", 60)),
    "FaceStudio - style and face with SDXL": Workflow(with_sdxl, Scheme(1, "style", 61)),
    "FaceStudio - style and text with SDXL": Workflow(with_text, Scheme(1, "style and text", 62)),
    "FaceStudio - one face in two views": Workflow(views, Scheme(1, "views", 63)),
    "FaceStudio - with a trained file": Workflow(trained, Scheme(1, "style", 64)),
}
