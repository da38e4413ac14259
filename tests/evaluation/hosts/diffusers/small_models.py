"""Small random models in the published layouts, people as coloured squares, and protocols that draw them on diffusers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.diffusers_host.image_encoder import load_image_encoder
from likeness.evaluation.built_in import KIT as BUILT_IN
from likeness.evaluation.hosts.host import Wanted
from likeness.evaluation.protocol.file import read_protocol
from likeness.evaluation.running.plan import plan
from likeness.models.uniportrait.checkpoint import load_backbone
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.evaluation.small_kit import KIT as SQUARES
from likeness.tests.evaluation.small_kit import write
from likeness.tests.training.small_files import small_backbone, small_clip_vision
from likeness.tools.weights.layouts.image_networks import face_parsing
from likeness.tools.weights.write import fill
from likeness.training.consistentid import networks as consistentid
from likeness.training.ip_adapter import networks as faceid
from likeness.training.uniportrait import networks as uniportrait
from safetensors.torch import save_file
from torch import nn

HOME = __name__
KIT = BUILT_IN.extended(SQUARES)
COLOURS, IMAGE = 3, 32  # widths of the recogniser "colours" and of the small CLIP
UNIPORTRAIT = {
    "adapter": "uniportrait.bin",
    "router": "router.bin",
    "image_encoder": "clip_vision.safetensors",
    "backbone": "backbone.bin",
}
FACEID = {"adapter": "faceid.bin", "recogniser": "colours"}
CONSISTENTID = {
    "adapter": "consistentid.bin",
    "image_encoder": "clip_vision.safetensors",
    "recogniser": "colours",
    "parser": "parser.pth",
    "merge_step": 0,
}
METHODS: dict[str, dict[str, Any]] = {
    "none": {},
    "uniportrait": UNIPORTRAIT,
    "ip_adapter": FACEID,
    "consistentid": CONSISTENTID,
}


def trained(*parts: nn.Module, seed: int = 2) -> None:
    """Give networks weights with which everything in them counts."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in parts:
            for parameter in part.parameters():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))


def write_models(folder: Path, family: str = "sd15") -> Path:
    """All files of `METHODS`."""
    folder.mkdir(exist_ok=True)
    save_file(small_checkpoint(family), folder / "base.safetensors")
    save_file(small_clip_vision(), folder / "clip_vision.safetensors")
    torch.save(small_backbone(), folder / "backbone.bin")
    unet = load_base(folder / "base.safetensors").unet
    clip = load_image_encoder(folder / "clip_vision.safetensors")
    nobody = FaceEncoder(backbone=load_backbone(folder / "backbone.bin"), image_encoder=clip).nobody()
    people = uniportrait.new_networks(unet, nobody, rank=2, seed=0)
    people.routers = uniportrait.new_routers(people, seed=1)
    trained(people.lora, people.attention)
    torch.save(uniportrait.faceid_weights(people), folder / "uniportrait.bin")
    torch.save(uniportrait.router_weights(people), folder / "router.bin")
    faces = faceid.new_networks(unet, vector=COLOURS, rank=2, seed=0)
    trained(faces.lora, faces.attention)
    torch.save(faceid.faceid_weights(faces), folder / "faceid.bin")
    facial = consistentid.new_networks(unet, vector=COLOURS, image=IMAGE, rank=2, seed=0, depth=1)
    trained(facial.lora, facial.attention)
    torch.save(consistentid.consistentid_weights(facial), folder / "consistentid.bin")
    save_file(fill({"": face_parsing()}, torch.float32)[""], folder / "parser.pth")
    return folder


def drawing(method: str, **keys: Any) -> str:
    """A section [drawing]; a key that is None is left out."""
    section = {"host": "diffusers", "method": method, "checkpoint": "base.safetensors", "device": "cpu"}
    section |= METHODS.get(method, {})
    section |= {"detector": "squares"} if method != "none" else {}
    lines = {**section, **keys}.items()
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines if value is not None)


def write_protocol(
    folder: Path, models: Path, method: str, *, together: int = 1, pictures: str = "", name: str = "p.toml", **keys: Any
) -> Path:
    """A protocol of one prompt and two seeds, in two steps."""
    nouns = "person {1}" if together == 1 else "{1} and {2}"
    return write(
        folder,
        {
            "people": f'folder = "people"\nonly = ["ada", "ben"]\ntogether = {together}\n',
            "people.nouns": None,
            "prompts": f'texts = ["a {nouns}"]\n',
            "pictures": f"seeds = [0, 1]\nwidth = 64\nheight = 96\nsteps = 2\nguidance = 3.0\n{pictures}",
            "models": f'folder = "{models}"\n',
            "drawing": drawing(method, **keys),
        },
        name=name,
    )


class Drawn:
    """What a protocol draws."""

    def __init__(self, path: Path) -> None:
        self.protocol = read_protocol(path, KIT)
        self.plan: tuple[Wanted, ...] = plan(self.protocol)
        self.drawer = KIT.hosts["diffusers"].make(self.protocol.drawing.config, KIT.networks)

    def __call__(self, number: int = 0):
        return self.drawer.draw(self.plan[number], self.protocol.pictures)
