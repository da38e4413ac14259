"""Drawing by a workflow in a running ComfyUI."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ...models.config.keys import Default
from ...models.config.rules import Number
from ...models.config.types import File
from ...models.errors import BadImageError
from ..protocol.sections import DrawingConfig, PicturesConfig
from .graph import Graph
from .host import Host, Wanted
from .server import Server

PLACES = ("prompt", "seed", "negative", "width", "height", "steps", "guidance")
Places = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComfyUIConfig(DrawingConfig):
    """A workflow, and where in it things go: "title of the node.input", or its number in place of the title."""

    url: Annotated[str, "address of the server"] = "http://127.0.0.1:8188"
    workflow: Annotated[File, "in API format"]
    prompt: Annotated[Places, "where the prompt goes"]
    seed: Annotated[Places, "where the seed goes"]
    photos: Annotated[Places, "where the first photo of each person goes, the first person's first"]
    output: Annotated[str, "the node that shows the picture, by title or number"]
    negative: Annotated[Places, "where the negative prompt goes", Default("nowhere")] = ()
    width: Annotated[Places, "where the width goes", Default("nowhere")] = ()
    height: Annotated[Places, "where the height goes", Default("nowhere")] = ()
    steps: Annotated[Places, "where the steps go", Default("nowhere")] = ()
    guidance: Annotated[Places, "where the guidance goes", Default("nowhere")] = ()
    limit: Annotated[float, Number(1), "seconds that a picture may take"] = 1800.0

    def faults(self) -> Iterator[str]:
        """Every place is in the workflow."""
        try:
            graph = Graph.read(self.workflow)
        except ValueError as error:
            yield f"[drawing] workflow: {self.workflow} {error}."
            return
        for name in ("prompt", "seed", "photos"):
            if not getattr(self, name):
                yield f"[drawing] {name} is empty; name at least one input of the workflow."
        for name in (*PLACES, "photos"):
            for place in getattr(self, name):
                try:
                    graph.place(place)
                except ValueError as error:
                    yield f"[drawing] {name}: {error}."
        try:
            graph.node(self.output)
        except ValueError as error:
            yield f"[drawing] output: {error}."


@dataclass(frozen=True, eq=False, slots=True)
class ComfyUI:
    """Draws in ComfyUI; a `Drawer`.

    Attributes:
        config: workflow and places.
        graph: the workflow.
        server: runs it.
    """

    config: ComfyUIConfig
    graph: Graph
    server: Server
    _sent: dict[Path, str] = field(default_factory=dict[Path, str])

    @property
    def key(self) -> str:
        """Hash of the workflow and its places; files that it names are the server's."""
        places = {name: getattr(self.config, name) for name in (*PLACES, "photos", "output")}
        return hashlib.sha256(json.dumps([self.graph.nodes, places], sort_keys=True).encode()).hexdigest()

    def draw(self, wanted: Wanted, pictures: PicturesConfig) -> np.ndarray:
        """A picture, (H, W, 3) uint8.

        Raises:
            ServerError: see `Server`.
            BadImageError: if what comes down is no picture.
        """
        from PIL import Image, UnidentifiedImageError

        values: dict[str, Any] = {
            "prompt": wanted.prompt,
            "seed": wanted.seed,
            "negative": pictures.negative,
            "width": pictures.width,
            "height": pictures.height,
            "steps": pictures.steps,
            "guidance": pictures.guidance,
        }
        filled = [(place, values[name]) for name in PLACES for place in getattr(self.config, name)]
        people = zip(self.config.photos, wanted.people, strict=True)
        filled += [(place, self._photo(person.photos[0])) for place, person in people]
        found = self.server.run(self.graph.filled(filled), self.graph.node(self.config.output))
        try:
            return np.asarray(Image.open(io.BytesIO(found)).convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise BadImageError(f"ComfyUI sent {len(found)} bytes that are no picture; try again.") from error

    def _photo(self, photo: Path) -> str:
        """A photo's name on the server; its content is in the name, so that no two get in each other's way."""
        if photo not in self._sent:
            name = hashlib.sha256(photo.read_bytes()).hexdigest()[:24] + photo.suffix.lower()
            self._sent[photo] = self.server.upload(photo, name)
        return self._sent[photo]


COMFYUI = Host(
    section=ComfyUIConfig,
    make=lambda config, _: ComfyUI(config, Graph.read(config.workflow), Server(config.url, config.limit)),
    people=lambda config: len(config.photos),
)
