"""The main workflows as apps. A name that ends in `.app` has a badge in the page's template browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .. import uniportrait
from ..graph import Graph
from ..miniature import two_people as two_drawn_people
from ..workflow import Collage, Scheme, Workflow
from .app import App, Field

SUFFIX = ".app"
PROMPT = "Prompt"  # title of the positive one


def as_app(build: Callable[[Graph], None]) -> Callable[[Graph], None]:
    """Give a builder of the same workflow that opens as an app: every photo, the prompt, the seed; picture and map."""

    def build_app(graph: Graph) -> None:
        build(graph)
        photos = [Field(node, "image", node.title) for node in graph.nodes if node.kind == "LoadImage"]
        prompts = [
            Field(node, "text", "What the picture shows")
            for node in graph.nodes
            if node.kind == "CLIPTextEncode" and node.title == PROMPT
        ]
        seeds = [Field(node, "seed", "Seed") for node in graph.nodes if node.kind == "KSampler"]
        kinds = ("SaveImage", "LikenessShowRoutingMap")
        results = [node for kind in kinds for node in graph.nodes if node.kind == kind]
        graph.app = App([*photos, *prompts, *seeds], results)

    return build_app


WORKFLOWS: Mapping[str, Workflow] = {
    f"1 Try without download - two people{SUFFIX}": Workflow(as_app(two_drawn_people), Collage(2)),
    f"UniPortrait - one person{SUFFIX}": Workflow(as_app(uniportrait.one_person), Scheme(1, scene=80)),
    f"UniPortrait - two people{SUFFIX}": Workflow(as_app(uniportrait.two_people), Scheme(2, scene=82)),
}
