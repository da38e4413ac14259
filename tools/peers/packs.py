"""Run other packs' adapters before and after ours in every ComfyUI found, and print how far the results differ.

    python -m likeness.tools.peers.packs --peers PATH/ComfyUI_IPAdapter_plus PATH/ComfyUI_InstantID PATH/PuLID_ComfyUI

The packs are given as folders; nothing is downloaded. IPAdapter_plus runs through HTTP on a full-size SD1.5 model with
random weights. InstantID and PuLID are for SDXL and need models that cannot be made at random (a face detector, a
ControlNet, EVA-CLIP): their own nodes and attention code run in `narrow` on a narrow UNet with SDXL's layers, beside our
attention; guidance, which has none, runs beside IPAdapter_plus alone.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from ..comfyui.folders import ComfyFolder, find_comfy_folders, missing_line
from ..comfyui.server import ComfyServer
from ..portraits import astronaut, drawing
from ..weights.recogniser import make_recogniser
from ..weights.write import (
    BACKBONE,
    CHECKPOINT,
    CLIP_VISION,
    CONSISTENTID,
    FACE_PARSING,
    FACEID,
    FACEID_PLUS,
    IP_ADAPTER,
    ROUTER,
    make_all,
)
from .process import start

IPADAPTER, INSTANTID, PULID = "IPAdapter_plus", "InstantID", "PuLID"
MARKS = {IPADAPTER: "IPAdapterPlus.py", INSTANTID: "InstantID.py", PULID: "pulid.py"}  # a file that tells the pack
NODES = {IPADAPTER: "IPAdapterAdvanced", INSTANTID: "ApplyInstantID", PULID: "ApplyPulid"}
OURS, PEER = "ours", "peer"
GUIDANCE, FACES = "reference-guidance", "ip-adapter"
METHODS = ("uniportrait", "consistentid", FACES, GUIDANCE)
FILES = {
    "uniportrait": (FACEID, ROUTER, BACKBONE),
    "consistentid": (CONSISTENTID, FACE_PARSING),
    FACES: (FACEID_PLUS,),
    GUIDANCE: (),
}
SAMPLER, SAVED = "sampler", "saved"

Prompt = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Largest absolute differences between finished latents.

    Attributes:
        order: ours before against ours after the peer.
        requeue: three times the same graph, the second adapter applied anew each time, for both orders.
        plain: the plain model before everything and after everything.
        alone: how much each adapter changes the picture when the other is there; 0 would mean that one had no effect.
        scale: largest absolute value of the latent.
    """

    order: float
    requeue: float
    plain: float
    alone: float
    scale: float

    def __str__(self) -> str:
        return (
            f"before against after {self.order:.1e}, three re-queues {self.requeue:.1e}, "
            f"plain model before against after {self.plain:.1e} (latent up to {self.scale:.1f}; "
            f"each adapter alone changes it by at least {self.alone:.1e})"
        )


def main() -> int:
    """Run everything that the given folders allow and print one line for each result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, nargs="+", required=True, help="folders of the other packs")
    parser.add_argument("--method", choices=METHODS, default=METHODS[0], help="which of our methods runs beside them")
    options = parser.parse_args()
    peers = recognise(options.peers)
    comfy = find_comfy_folders()
    if not comfy:
        print(missing_line())
        return 2
    failed = False
    for folder in comfy:
        print(f"ComfyUI {folder.version}", flush=True)
        failed |= _through_http(folder, peers, options.method)
        for name in narrow_peers(peers, options.method):
            failed |= start(folder, "narrow", name, peers[name], options.method)
    return int(failed)


def recognise(folders: list[Path]) -> dict[str, Path]:
    """Tell the packs by a file that each of them has.

    Raises:
        SystemExit: if a folder holds none of the packs.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        names = [name for name, mark in MARKS.items() if (folder / mark).is_file()]
        if not names:
            raise SystemExit(f"{folder} holds none of {', '.join(MARKS)}")
        found[names[0]] = folder
    return found


def narrow_peers(peers: Collection[str], method: str) -> list[str]:
    """Give the packs that run beside a method on a narrow UNet; none beside guidance, whose features that UNet does not have, nor
    beside IP-Adapter, whose attention is that of the others.
    """
    return [] if method in (GUIDANCE, FACES) else [name for name in (INSTANTID, PULID) if name in peers]


def compare(run: Callable[[tuple[str, ...], int], Tensor]) -> Differences:
    """Run the adapters alone and in both orders.

    Args:
        run: gives the finished latent for adapters in order of application, and a number that is new for each run.
    """
    numbers = iter(range(1, 1000))

    def latent(*adapters: str) -> Tensor:
        return run(adapters, next(numbers))

    plain = latent()
    alone = {name: latent(name) for name in (OURS, PEER)}
    orders = {order: [latent(*order) for _ in range(3)] for order in ((OURS, PEER), (PEER, OURS))}
    plain_again = latent()
    both = orders[OURS, PEER][0]
    return Differences(
        order=_distance(both, orders[PEER, OURS][0]),
        requeue=max(_distance(results[0], again) for results in orders.values() for again in results[1:]),
        plain=_distance(plain, plain_again),
        alone=min(
            *(_distance(both, one) for one in alone.values()), *(_distance(plain, one) for one in alone.values())
        ),
        scale=float(both.abs().max()),
    )


def _distance(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().max())


def _through_http(folder: ComfyFolder, peers: dict[str, Path], method: str) -> bool:
    """Load all packs beside ours; run IPAdapter_plus. Gives whether something failed."""
    models = make_all((CHECKPOINT, CLIP_VISION, IP_ADAPTER, *FILES[method])) | make_recogniser()
    packs = {path.name: path for path in peers.values()}
    with (
        tempfile.TemporaryDirectory(prefix="likeness-peers-") as base,
        ComfyServer(folder, Path(base), models=models, packs=packs) as server,
    ):
        known = server.object_info()
        loaded = [name for name in peers if NODES[name] in known]
        print(f"  loaded beside this pack: {', '.join(loaded) or 'none'}", flush=True)
        if IPADAPTER in loaded:
            for place, portrait in enumerate((astronaut(), drawing(1)), 1):
                portrait.picture.save(server.base / "input" / f"person-{place}.png")
            found = compare(lambda adapters, number: sampled(server, _prompt(method, adapters, number)))
            print(f"  {method} and {IPADAPTER}, SD1.5 full size, 256², 2 steps: {found}", flush=True)
        return len(loaded) < len(peers)


def _prompt(method: str, adapters: tuple[str, ...], number: int) -> Prompt:
    """A graph with the adapters in the given order; the last one is applied anew in every run."""
    ours = {"uniportrait": _uniportrait, "consistentid": _consistentid, FACES: _ip_adapter, GUIDANCE: _guidance}[method]
    prompt = copy.deepcopy(_base() | ours())
    model: list[Any] = ["checkpoint", 0]
    for name in adapters:
        prompt[name]["inputs"]["model"] = model
        model = [name, 0]
    last = prompt[adapters[-1] if adapters else SAMPLER]["inputs"]
    last["run"] = number  # no input of the node: it only makes the cache key new
    prompt[SAMPLER]["inputs"]["model"] = model
    return {name: node for name, node in prompt.items() if name not in {OURS, PEER} - set(adapters)}


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    """A node of a prompt."""
    return {"class_type": kind, "inputs": inputs}


def _person(place: int, region: str, **links: Any) -> Prompt:
    return {
        f"photo {place}": node("LoadImage", image=f"person-{place}.png"),
        f"person {place}": node(
            "LikenessAddPerson", photo=[f"photo {place}", 0], name="", strength=1.0, face=1, order="largest first",
            detector="given region", region=region, start_percent=0.0, end_percent=1.0, on_no_face="error", **links,
        ),
    }  # fmt: skip


def _uniportrait() -> Prompt:
    return {
        "uniportrait": node(
            "LikenessLoadUniPortrait", faceid=FACEID.name, router=ROUTER.name, backbone=BACKBONE.name,
            clip_vision_file="auto", clip_vision=["vision", 0], image_prompt="none",
        ),
        **_person(1, astronaut().region),
        **_person(2, drawing(1).region, people=["person 1", 0]),
        OURS: node(
            "LikenessApplyUniPortrait", uniportrait=["uniportrait", 0], people=["person 2", 0], strength=0.7,
            structure_scale=0.3, lora_strength=1.0, image_prompt_strength=0.7,
        ),
    }  # fmt: skip


def _consistentid() -> Prompt:
    return {
        **_person(1, astronaut().region),
        "parser": node("LikenessLoadFaceParser", face_parser=FACE_PARSING.name),
        "consistentid": node(
            "LikenessLoadConsistentID", consistentid=CONSISTENTID.name, mode="auto", purpose="text to image",
            recogniser="auto", clip_vision_file="auto", clip_vision=["vision", 0], face_parser_file="auto",
            face_parser=["parser", 0],
        ),
        "prompt": node(
            "LikenessEncodeConsistentIDPrompt", clip=["checkpoint", 1], consistentid=["consistentid", 0],
            people=["person 1", 0], positive="a person on a bench", negative="nsfw", merge_by="step",
            start_percent=0.6, start_merge_step=0, width=256, height=256,
        ),
        OURS: node(
            "LikenessApplyConsistentID", consistentid=["consistentid", 0], people=["person 1", 0], strength=1.0,
            lora_strength=1.0,
        ),
        SAMPLER: sampler(["prompt", 0], ["prompt", 1]),
    }  # fmt: skip


def _ip_adapter() -> Prompt:
    return {
        **_person(1, astronaut().region),
        "faceid": node(
            "LikenessLoadIPAdapter", ip_adapter=FACEID_PLUS.name, version="auto", lora="none", recogniser="auto",
            clip_vision_file="auto", clip_vision=["vision", 0],
        ),
        OURS: node(
            "LikenessApplyIPAdapter", ip_adapter=["faceid", 0], people=["person 1", 0], strength=0.8,
            picture_strength=1.0, blocks="linear", block_weights="", structure_scale=1.0, lora_strength=1.0,
            negative="reference", crop="centre", combine="concat", embeds_scaling="V only", start_percent=0.0,
            end_percent=1.0,
        ),
    }  # fmt: skip


def _guidance() -> Prompt:
    sides: dict[str, Any] = {"width": 256, "height": 256}
    return {
        "nowhere": node("SolidMask", value=0.0, **sides),
        "half": node("SolidMask", value=1.0, **(sides | {"width": 128})),
        "mask": node(
            "MaskComposite", destination=["nowhere", 0], source=["half", 0], x=0, y=0, operation="add"
        ),
        **_person(1, astronaut().region, mask=["mask", 0]),
        OURS: node(
            "LikenessApplyReferenceGuidance", people=["person 1", 0], vae=["checkpoint", 2], strength=0.3,
            start_percent=0.0, end_percent=1.0, strength_mode="relative", every_k=1, step_mode="eps", features="coarse",
            reference_size=256, reference_percent=0.329, seeds=1, keep_background=True,
        ),
    }  # fmt: skip


def _base() -> Prompt:
    return {
        "checkpoint": node("CheckpointLoaderSimple", ckpt_name=CHECKPOINT.name),
        "vision": node("CLIPVisionLoader", clip_name=CLIP_VISION.name),
        "ipadapter": node("IPAdapterModelLoader", ipadapter_file=IP_ADAPTER.name),
        PEER: node(
            "IPAdapterAdvanced", ipadapter=["ipadapter", 0], image=["photo 1", 0], clip_vision=["vision", 0], weight=0.8,
            weight_type="linear", combine_embeds="concat", start_at=0.0, end_at=1.0, embeds_scaling="V only",
        ),
        "positive": node("CLIPTextEncode", clip=["checkpoint", 1], text="two people on a bench"),
        "negative": node("CLIPTextEncode", clip=["checkpoint", 1], text="nsfw"),
        "latent": node("EmptyLatentImage", width=256, height=256, batch_size=1),
        SAMPLER: sampler(["positive", 0], ["negative", 0]),
        SAVED: node("SaveLatent", samples=[SAMPLER, 0], filename_prefix="peers"),
    }  # fmt: skip


def sampler(positive: list[Any], negative: list[Any], **given: Any) -> dict[str, Any]:
    """Two steps of the latent; `given` are further inputs."""
    return node(
        "KSampler", seed=1, steps=2, cfg=7.5, sampler_name="ddim", scheduler="ddim_uniform", denoise=1.0,
        positive=positive, negative=negative, latent_image=["latent", 0], **given,
    )  # fmt: skip


def sampled(server: ComfyServer, prompt: Prompt) -> Tensor:
    """Run a prompt; gives the latent that its node `SAVED` saved."""
    (file,) = server.output_files(server.run(prompt), SAVED, "latents")
    latent = load_file(file)["latent_tensor"]
    if not torch.isfinite(latent).all():
        raise SystemExit("The latent holds NaN or infinity.")
    return latent


if __name__ == "__main__":
    sys.exit(main())
