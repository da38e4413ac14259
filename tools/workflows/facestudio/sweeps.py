"""Rows of pictures from one seed: between a text and a picture, and between two people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...weights.known_files import PRIOR_BIGG, SD15, SDXL, KnownFile
from ..graph import Graph
from ..layout import Group
from ..node import Node
from ..notes import CHOOSE_PHOTO, CHOOSE_PHOTOS, CONSENT, RUN
from ..parts import add_people, add_person, add_prompts, arrange, sample
from ..workflow import Scheme, Workflow
from .parts import (
    GENERIC,
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

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
TEXT = "a person in a lighthouse above a stormy sea, oil painting"
HOW_ALPHA = f"""
{CHOOSE_PHOTO}
2. Choose the *Picture of the style*, and write a text into *Predict Image Embedding*.
3. {RUN}

Five pictures of one seed: `alpha` of *Apply FaceStudio* is 0 on the left, where only the text is followed, and 1 on the right, where only the
picture is. The face is the same in all of them. Set the `alpha` that you like in *FaceStudio - style and text with SDXL*.

{CONSENT}
"""
HOW_MIX = f"""
{CHOOSE_PHOTOS}
2. Choose the *Picture of the style*.
3. {RUN}

Five pictures of one seed: *Mix People* makes one person of two. On the left it is person 1 alone, on the right person 2. Further people
are mixed in by further *Mix People*, one behind the other.

{CONSENT}
"""


def alphas(graph: Graph) -> None:
    """One face, from a text to a picture."""
    models = load_models(graph, SDXL)
    people, style = add_people(graph, 1), encode_style(graph, models[-1])
    predicted = graph.add("LikenessPredictImageEmbedding", clip=models[0]["CLIP"], text=TEXT, files=(PRIOR_BIGG,))
    texts = add_prompts(graph, models[0]["CLIP"], GENERIC, NEGATIVE)
    sources = {"style": style[-1]["style"], "text": predicted["style"]}
    drawn = [
        [apply(graph, models, texts, people[-1][-1], f"Apply FaceStudio: alpha {alpha:g}", alpha=alpha, **sources)]
        for alpha in STEPS
    ]
    columns = style_column(models[-1], style), [Group("Text", [[predicted]]), Group("Prompt", [texts])]
    _finish(graph, SDXL, HOW_ALPHA, models, [[Group("Person", people)], *columns], texts, drawn)


def mixes(graph: Graph) -> None:
    """One style, from one person to another."""
    models = load_models(graph)
    first, second = add_person(graph, 1), add_person(graph, 2)
    style = encode_style(graph, models[-1])
    texts = add_prompts(graph, models[0]["CLIP"], GENERIC, NEGATIVE)
    drawn = []
    for weight in STEPS:
        pair: dict[str, Any] = {"people": first[-1]["people"], "other": second[-1]["people"]}
        mixed = graph.add("LikenessMixPeople", f"Mix People: {weight:g} of person 2", weight=weight, **pair)
        title = f"Apply FaceStudio: {weight:g} of person 2"
        drawn.append([mixed, apply(graph, models, texts, mixed, title, style=style[-1]["style"], alpha=1.0)])
    columns = [Group("People", [first, second])], style_column(models[-1], style), [Group("Prompt", [texts])]
    _finish(graph, SD15, HOW_MIX, models, list(columns), texts, drawn)


def _finish(
    graph: Graph,
    base: KnownFile,
    how: str,
    models: Sequence[Node],
    before: list[list[Group]],
    texts: Sequence[Node],
    drawn: list[list[Node]],
) -> None:
    """Sample every picture from one seed, and lay out the graph.

    Args:
        graph: all before the samplers is there.
        base: the checkpoint.
        how: text of the note.
        models: the checkpoint first, FaceStudio last.
        before: columns of what all pictures share; what is set for all goes below the last.
        texts: both prompts.
        drawn: what each picture has of its own, *Apply FaceStudio* last.
    """
    latent = graph.add("EmptyLatentImage", **SIZES[base])
    seed = graph.add("PrimitiveInt", "Seed of all pictures", value=SETTINGS[base]["seed"])
    before[-1].append(Group("For all pictures", [[latent, seed]]))
    settings = {**SETTINGS[base], "seed": seed["INT"]}
    sampled = [sample(graph, own[-1]["model"], prompts_of(own[-1]), latent, settings) for own in drawn]
    each = [[Group(_name(own), [[*own, sampler]])] for own, sampler in zip(drawn, sampled, strict=True)]
    arrange(graph, how, models[:-1], *before, *each, [Group("Result", save_row(graph, models[0]["VAE"], sampled))])


def _name(own: Sequence[Node]) -> str:
    """Above a picture's nodes: what it has of its own."""
    name = own[-1].title.partition(": ")[2]
    return name[:1].upper() + name[1:]


WORKFLOWS: Mapping[str, Workflow] = {
    "FaceStudio - from text to picture with SDXL": Workflow(alphas, Scheme(1, "from text to picture", 65)),
    "FaceStudio - from one person to another": Workflow(mixes, Scheme(2, "mix", 66)),
}
