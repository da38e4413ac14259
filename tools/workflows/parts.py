"""What workflows of all methods are put together from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .graph import Graph, Group, Node, Socket

CHECKPOINT = "v1-5-pruned-emaonly-fp16.safetensors"
CLIP_VISION = "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors"


def notes(graph: Graph, how: str, downloads: str) -> Group:
    """Two notes: how the workflow is used, and what it needs."""
    return Group("Read me", [[[graph.note("How it works", how), graph.note("What to download", downloads)]]])


def prompts(graph: Graph, clip: Socket, positive: str, negative: str) -> list[Node]:
    """Both texts, encoded by ComfyUI's own node."""
    return [
        graph.add("CLIPTextEncode", "Prompt", text=positive, clip=clip),
        graph.add("CLIPTextEncode", "Negative prompt", text=negative, clip=clip),
    ]


def sample(
    graph: Graph,
    model: Socket,
    texts: Sequence[Node | Socket],
    latent: Socket,
    settings: Mapping[str, Any],
    *,
    denoise: float = 1.0,
    title: str | None = None,
) -> Node:
    """A KSampler; `texts` are both prompts, as nodes or CONDITIONING sockets."""
    positive, negative = (text["CONDITIONING"] if isinstance(text, Node) else text for text in texts)
    links = {"model": model, "positive": positive, "negative": negative, "latent_image": latent}
    return graph.add("KSampler", title, **links, **settings, denoise=denoise)


def save(graph: Graph, vae: Socket, sampled: Node, name: str) -> list[Node]:
    """Decode and save."""
    decoded = graph.add("VAEDecode", samples=sampled["LATENT"], vae=vae)
    return [decoded, graph.add("SaveImage", images=decoded["IMAGE"], filename_prefix=f"likeness/{name}")]


def result(graph: Graph, vae: Socket, model: Socket, sampled: Node, name: str) -> tuple[Group, Group]:
    """Save, and show who was where."""
    saved = save(graph, vae, sampled, name)
    routing = graph.add("LikenessShowRoutingMap", model=model, latent=sampled["LATENT"])
    places = graph.add("PreviewImage", "Who is where", images=routing["picture"])
    shares = graph.add("PreviewAny", "Share of each person", source=routing["shares"])
    return Group("Result", [[saved]]), Group("Routing map", [[[routing, shares], places]])
