"""Nodes, settings and texts that FaceStudio's workflows have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...weights.known_files import (
    BUFFALO_DETECTOR,
    FACEID_PLUS_SD15,
    FACEID_PLUS_SDXL,
    IMAGE_ENCODER,
    IMAGE_ENCODER_BIGG,
    IMAGE_PROMPT,
    IP_ADAPTER_SDXL,
    RECOGNISER,
    SD15,
    SDXL,
    YUNET,
    KnownFile,
)
from ..graph import Graph
from ..ip_adapter import SAMPLING, SDXL_SAMPLING
from ..layout import Group
from ..node import Node, Socket
from ..parts import load_checkpoint

GENERIC = "best quality, high quality"  # a prompt that says nothing of what is to be seen
NEGATIVE = "lowres, bad anatomy, worst quality, low quality"
SETTINGS = {SD15: SAMPLING, SDXL: SDXL_SAMPLING}
SIZES: dict[KnownFile, dict[str, Any]] = {
    SD15: {"width": 512, "height": 768},
    SDXL: {"width": 832, "height": 1216},
}
STYLES = {SD15: (IMAGE_PROMPT, IMAGE_ENCODER), SDXL: (IP_ADAPTER_SDXL, IMAGE_ENCODER_BIGG)}
FACES = {SD15: FACEID_PLUS_SD15, SDXL: FACEID_PLUS_SDXL}
HIDDEN = """*Encode Style* hides every face of the style picture before it is looked at, and shows what is left. With *Load Face Parser* at
`face_parser` it hides the very face, and not an ellipse."""


def load_models(graph: Graph, base: KnownFile = SD15) -> list[Node]:
    """Add a checkpoint, two adapters and FaceStudio made of them, in this order."""
    adapters = [
        graph.add("LikenessLoadIPAdapter", f"Load IP-Adapter: {what}", ip_adapter=files[0].name, files=files)
        for what, files in (("style", STYLES[base]), ("faces", (FACES[base], RECOGNISER, IMAGE_ENCODER)))
    ]
    style, faces = (adapter["ip_adapter"] for adapter in adapters)
    facestudio = graph.add("LikenessFaceStudioFromIPAdapters", style_adapter=style, face_adapter=faces)
    return [load_checkpoint(graph, base), *adapters, facestudio]


def encode_style(
    graph: Graph, facestudio: Node, title: str = "Picture of the style", image: str = "style.png"
) -> list[Node]:
    """Add a picture and its style; gives *Load Image* and *Encode Style*."""
    picture = graph.add("LoadImage", title, image=image)
    sockets: dict[str, Any] = {"facestudio": facestudio["facestudio"], "picture": picture["IMAGE"]}
    return [picture, graph.add("LikenessEncodeStyle", files=(YUNET, BUFFALO_DETECTOR), **sockets)]


def style_column(facestudio: Node, *styles: Sequence[Node]) -> list[Group]:
    """FaceStudio made of adapters, and below it what it looks at, each picture a column: no template is higher than a window."""
    return [Group("Method", [[facestudio]]), Group("Style" if len(styles) == 1 else "Views", styles)]


def apply(
    graph: Graph, models: Sequence[Node], texts: Sequence[Node], people: Node, title: str | None = None, **given: Any
) -> Node:
    """Put style and people into the checkpoint's MODEL.

    Args:
        graph: where to.
        models: the checkpoint first, FaceStudio last.
        texts: both prompts; none for a trained file.
        people: the last of a chain.
        title: of the node.
        given: its further inputs.
    """
    prompts = dict(zip(("positive", "negative"), (text["CONDITIONING"] for text in texts), strict=False))
    sockets = {"model": models[0]["MODEL"], "facestudio": models[-1]["facestudio"], "people": people["people"]}
    return graph.add("LikenessApplyFaceStudio", title, **sockets, **prompts, **given)


def prompts_of(applied: Node) -> tuple[Socket, Socket]:
    """What Apply FaceStudio gives the sampler for both prompts."""
    return applied["positive"], applied["negative"]


def save_row(graph: Graph, vae: Socket, sampled: Sequence[Node]) -> list[list[Node]]:
    """Decode pictures and save them as one, from left to right; gives the nodes in a column, in two where they are many."""
    decoded = [graph.add("VAEDecode", samples=each["LATENT"], vae=vae) for each in sampled]
    row, stitches = decoded[0]["IMAGE"], []
    for each in decoded[1:]:
        stitches.append(graph.add("ImageStitch", "Beside each other", image1=row, image2=each["IMAGE"]))
        row = stitches[-1]["IMAGE"]
    saved = graph.add("SaveImage", images=row, filename_prefix=f"likeness/{graph.slug}")
    return [[*decoded, *stitches, saved]] if len(sampled) == 2 else [[*decoded, *stitches], [saved]]
