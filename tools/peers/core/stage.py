"""A graph on the miniature while it is put together: the sockets that a node of the core may take and replace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...workflows.graph import Graph
from ...workflows.miniature import SIZE
from ...workflows.node import Node, Socket

SAMPLING: Mapping[str, Any] = {"cfg": 2.0, "steps": 4, "sampler_name": "euler", "scheduler": "simple"}
SEED = 7
OTHER = "a boy in a green shirt, against white and grey stripes"


def out(node: Node, slot: int = 0) -> Socket:
    """One output of a node, by its place: the core renames outputs from version to version."""
    return Socket(node, slot, node.outputs[slot][1])


class Stage:
    """What has been put together so far.

    Args:
        definitions: what a running ComfyUI answers to `/object_info`.
        text: the prompt.
        pictures: of the batch.
        is_masked: whether the latents have a noise mask with a soft edge.

    Attributes:
        miniature: the loader.
        model, clip, latent: what the next node takes.
        positive, negative: both prompts, once they are encoded.
    """

    positive: Socket
    negative: Socket

    def __init__(self, definitions: Mapping[str, Any], *, text: str, pictures: int, is_masked: bool) -> None:
        self.graph = Graph("core", definitions)
        self.text = text
        self.miniature = self.add("LikenessLoadMiniature")
        self.model, self.clip = self.miniature["model"], self.miniature["clip"]
        self.latent = out(self.add("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=pictures))
        if is_masked:
            everywhere = self.mask(0, 0, SIZE, SIZE)
            soft = self.add("FeatherMask", mask=everywhere, left=0, top=0, right=SIZE // 2, bottom=0)
            self.latent = out(self.add("SetLatentNoiseMask", samples=self.latent, mask=out(soft)))

    def add(self, kind: str, **given: Any) -> Node:
        """Add a node; inputs that are not given keep their default."""
        return self.graph.add(kind, **given)

    def patch(self, kind: str, **given: Any) -> None:
        """Add a node that takes the MODEL and gives another."""
        self.model = out(self.add(kind, model=self.model, **given))

    def encode(self, text: str) -> Socket:
        """Add the core's own encoding of a text."""
        return out(self.add("CLIPTextEncode", clip=self.clip, text=text))

    def encode_both(self) -> None:
        """Add both prompts as the core encodes them."""
        self.positive, self.negative = self.encode(self.text), self.encode("")

    def combine(self, first: Socket, second: Socket) -> Socket:
        """Add the node that gives a sampler two prompts at once."""
        return out(self.add("ConditioningCombine", conditioning_1=first, conditioning_2=second))

    def mask(self, x: int, y: int, width: int, height: int) -> Socket:
        """Add a mask that is 1 inside a box and 0 elsewhere; all in pixels."""
        nowhere = self.add("SolidMask", value=0.0, width=SIZE, height=SIZE)
        box = self.add("SolidMask", value=1.0, width=width, height=height)
        return out(self.add("MaskComposite", destination=out(nowhere), source=out(box), x=x, y=y, operation="add"))

    def prompts(self) -> dict[str, Socket]:
        """Both prompts, as most samplers and guiders call them."""
        return {"positive": self.positive, "negative": self.negative}

    def sample(self) -> None:
        """Add the core's everyday sampler."""
        self.latent = out(
            self.add("KSampler", model=self.model, **self.prompts(), latent_image=self.latent, seed=SEED, **SAMPLING)
        )
