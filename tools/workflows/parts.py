"""What workflows of all methods are put together from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..weights.known_files import BUFFALO_DETECTOR, CONTROL_NET, SD15, YUNET, KnownFile
from .graph import Graph
from .layout import Group
from .node import Node, Socket
from .notes import MINIATURE_FILES, write_downloads


def load_checkpoint(graph: Graph, file: KnownFile = SD15) -> Node:
    """Add the loader of a checkpoint."""
    return graph.add("CheckpointLoaderSimple", ckpt_name=file.name, files=(file,))


def add_person(graph: Graph, number: int = 1, before: Node | None = None, **given: Any) -> list[Node]:
    """Add a photo and the person in it.

    Args:
        graph: where to.
        number: of the person, from 1.
        before: the *Add Person* of the person before.
        given: further inputs of *Add Person*.

    Returns:
        *Load Image* and *Add Person*.
    """
    photo = graph.add("LoadImage", f"Photo of person {number}", image=f"person-{number}.png")
    chain: dict[str, Any] = {"people": before["people"]} if before else {}
    files = (YUNET, BUFFALO_DETECTOR)
    person = graph.add(
        "LikenessAddPerson", f"Add Person: person {number}", photo=photo["IMAGE"], files=files, **chain, **given
    )
    return [photo, person]


def add_people(graph: Graph, count: int) -> list[list[Node]]:
    """Add a chain of people, each with a photo; gives *Load Image* and *Add Person* of each."""
    people: list[list[Node]] = []
    for number in range(1, count + 1):
        people.append(add_person(graph, number, people[-1][-1] if people else None))
    return people


def add_prompts(graph: Graph, clip: Socket, positive: str, negative: str) -> list[Node]:
    """Add both texts, encoded by ComfyUI's own node."""
    return [
        graph.add("CLIPTextEncode", "Prompt", text=positive, clip=clip),
        graph.add("CLIPTextEncode", "Negative prompt", text=negative, clip=clip),
    ]


def add_pose(graph: Graph, texts: Sequence[Node], title: str) -> list[Node]:
    """Add a ControlNet that is shown a picture of poses; gives the picture, its loader, and both prompts with it."""
    control_net = graph.add("ControlNetLoader", control_net_name=CONTROL_NET.name, files=(CONTROL_NET,))
    pose = graph.add("LoadImage", title, image="poses.png")
    posed = graph.add(
        "ControlNetApplyAdvanced",
        positive=texts[0]["CONDITIONING"],
        negative=texts[1]["CONDITIONING"],
        control_net=control_net["CONTROL_NET"],
        image=pose["IMAGE"],
        strength=1.0,
    )
    return [pose, control_net, posed]


def sample(
    graph: Graph,
    model: Socket,
    texts: Sequence[Node | Socket],
    latent: Node,
    settings: Mapping[str, Any],
    *,
    denoise: float = 1.0,
    title: str | None = None,
) -> Node:
    """Add a KSampler; `texts` are both prompts, as nodes or CONDITIONING sockets."""
    positive, negative = (text["CONDITIONING"] if isinstance(text, Node) else text for text in texts)
    links = {"model": model, "positive": positive, "negative": negative, "latent_image": latent["LATENT"]}
    return graph.add("KSampler", title, **links, **settings, denoise=denoise)


def save(graph: Graph, vae: Socket, sampled: Node) -> list[Node]:
    """Decode and save; gives both nodes."""
    decoded = graph.add("VAEDecode", samples=sampled["LATENT"], vae=vae)
    return [decoded, graph.add("SaveImage", images=decoded["IMAGE"], filename_prefix=f"likeness/{graph.slug}")]


def show_places(graph: Graph, sampled: Node, decoded: Node) -> Group:
    """Add the map of who was where, over the finished picture; gives its frame."""
    routing = graph.add(
        "LikenessShowRoutingMap",
        model=sampled.sources["model"],
        latent=sampled["LATENT"],
        image=decoded["IMAGE"],
    )
    return Group("Who is where", [[routing]])


def show_guidance(graph: Graph, sampled: Node) -> Group:
    """Add the plot of how alike faces became; gives its frame."""
    shown = graph.add("LikenessShowGuidance", model=sampled.sources["model"], latent=sampled["LATENT"])
    return Group("How alike it became", [[shown]])


def arrange(graph: Graph, how: str, models: Sequence[Node], *columns: Sequence[Group]) -> tuple[int, int]:
    """Lay out a workflow: notes and loaders first, then the columns; gives the lower right corner.

    Args:
        graph: all of its nodes but the notes are there.
        how: text of the note that says how it is used.
        models: the loaders.
        columns: the groups of each further column.
    """
    needed = write_downloads(graph.files) if graph.files else MINIATURE_FILES
    readme = [graph.note("How it works", how), graph.note("What to download", needed)]
    return graph.place([[Group("Read me", [readme]), Group("Models", [models])], *columns])
