"""The demo in a real ComfyUI, over HTTP: one graph with every arm."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...models.images.layout import images_from_arrays
from ..comfyui.folders import ComfyFolder
from ..comfyui.server import ComfyServer
from .scene import ARMS, SEED, SIZE, Arm, Scene

Link = list[Any]
PERSON = "person-{number}.png"
MODEL, CLIP, VAE, UNIPORTRAIT = range(4)  # outputs of Load Miniature
DETECTOR = "drawn faces (miniature)"


class _Graph:
    """A prompt for ComfyUI's HTTP interface, node by node."""

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}

    def add(self, kind: str, **inputs: Any) -> str:
        number = str(len(self.nodes) + 1)
        self.nodes[number] = {"class_type": kind, "inputs": inputs}
        return number


def draw_in_comfy(scene: Scene, folder: ComfyFolder) -> tuple[dict[Arm, Tensor], Tensor]:
    """All arms.

    Returns:
        Pictures (B, 3, H, W), 0–1, by arm, and the routing maps (B, h, w, 3) of the last.

    Raises:
        ComfyRunError: if ComfyUI does not start or a node fails.
    """
    graph, saved, shown = demo_graph(scene)
    with (
        tempfile.TemporaryDirectory(prefix="likeness-demo-", ignore_cleanup_errors=True) as base,
        ComfyServer(folder, Path(base)) as server,
    ):
        for number, reference in enumerate(scene.references, 1):
            file = Path(base) / PERSON.format(number=number)
            Image.fromarray(reference).save(file)
            server.add_input(file)
        entry = server.run(graph)
        pictures = {arm: _read(server.output_files(entry, node)) for arm, node in saved.items()}
        return {arm: each.permute(0, 3, 1, 2) for arm, each in pictures.items()}, _read(
            server.output_files(entry, shown)
        )


def demo_graph(scene: Scene) -> tuple[dict[str, dict[str, Any]], dict[Arm, str], str]:
    """The prompt, the node that saves each arm's pictures, and the node that shows the routing maps."""
    graph = _Graph()
    miniature = graph.add("LikenessLoadMiniature")
    photos: list[Link] = [[graph.add("LoadImage", image=PERSON.format(number=number)), 0] for number in (1, 2)]
    latent = graph.add("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=scene.pictures)
    negative = graph.add("CLIPTextEncode", text="", clip=[miniature, CLIP])
    everywhere = graph.add("SolidMask", value=1.0, width=SIZE, height=SIZE)
    saved: dict[Arm, str] = {}
    shown = ""
    for arm in ARMS:
        model: Link = [miniature, MODEL]
        if arm.people:
            mask = None if arm.is_routed else [everywhere, 0]
            model = _people(graph, scene, miniature, photos[: arm.people], mask)
        sampled = graph.add(
            "KSampler",
            model=model,
            positive=[graph.add("CLIPTextEncode", text=scene.prompt(arm), clip=[miniature, CLIP]), 0],
            negative=[negative, 0],
            latent_image=[latent, 0],
            seed=SEED,
            steps=scene.steps,
            cfg=scene.guidance,
            sampler_name="euler",
            scheduler="simple",
            denoise=1.0,
        )
        decoded = graph.add("VAEDecode", samples=[sampled, 0], vae=[miniature, VAE])
        saved[arm] = graph.add("SaveImage", images=[decoded, 0], filename_prefix="demo")
        if arm.people > 1 and arm.is_routed:
            routing = graph.add("LikenessShowRoutingMap", model=model, latent=[sampled, 0], view="whole run")
            shown = graph.add("PreviewImage", images=[routing, 1])
    return graph.nodes, saved, shown


def _people(graph: _Graph, scene: Scene, miniature: str, photos: list[Link], mask: Link | None) -> Link:
    """A MODEL with some people."""
    chain: dict[str, Any] = {}
    for photo in photos:
        person = graph.add(
            "LikenessAddPerson",
            photo=photo,
            name="",
            strength=1.0,
            face=1,
            order="largest first",
            detector=DETECTOR,
            region="",
            start_percent=0.0,
            end_percent=1.0,
            on_no_face="error",
            **chain,
            **({} if mask is None else {"mask": mask}),
        )
        chain = {"people": [person, 0]}
    applied = graph.add(
        "LikenessApplyUniPortrait",
        model=[miniature, MODEL],
        uniportrait=[miniature, UNIPORTRAIT],
        strength=scene.strength,
        structure_scale=scene.structure_scale[len(photos) > 1],
        lora_strength=1.0,
        image_prompt_strength=0.7,
        **chain,
    )
    return [applied, 0]


def _read(files: list[Path]) -> Tensor:
    """Pictures (B, H, W, 3), 0–1."""
    return torch.cat([images_from_arrays([np.asarray(Image.open(file).convert("RGB"))]) for file in files])
