"""Write `workflows/*.json` (as ComfyUI's page saves them) and `workflows/api/*.json` (as `/prompt` takes them).

Both formats come from the descriptions below and the node definitions of a running ComfyUI that has this pack:

    python -m likeness.tools.workflows --server http://127.0.0.1:8188
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .comfy_folders import REPOSITORY
from .workflow_graph import Graph, Group, Node, Socket
from .workflow_notes import DOWNLOADS, HOW_CONTROLNET, HOW_GROUP, HOW_MASKS, HOW_ONE, HOW_SEVERAL

FOLDER = REPOSITORY / "workflows"
CHECKPOINT = "v1-5-pruned-emaonly-fp16.safetensors"
CLIP_VISION = "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors"
FACEID = "uniportrait-faceid_sd15.bin"
ROUTER = "uniportrait-router_sd15.bin"
BACKBONE = "glint360k_curricular_face_r101_backbone.bin"
CONTROL_NET = "control_v11p_sd15_openpose_fp16.safetensors"
LORA = "your-lora.safetensors"
NEGATIVE = "nsfw, lowres, worst quality"
# The reference's settings (UniPortrait's published app): 25 DDIM steps, guidance 7.5, seed 2147483647.
SAMPLING = {"seed": 2147483647, "steps": 25, "cfg": 7.5, "sampler_name": "ddim", "scheduler": "ddim_uniform"}
STRUCTURE_ONE = 0.1
STRUCTURE_SEVERAL = 0.3
STRENGTH = 0.7


@dataclass(frozen=True, slots=True)
class Models:
    """The loaders that every workflow begins with."""

    checkpoint: Node
    uniportrait: Node
    clip_vision: Node

    @property
    def column(self) -> Group:
        """Their frame."""
        return Group("Models", [[[self.checkpoint, self.uniportrait, self.clip_vision]]])


def one_person(graph: Graph) -> None:
    """One photo, one person."""
    models = _models(graph)
    person = _person(graph, models, 1)
    applied = _apply(graph, models, models.checkpoint["MODEL"], person[-1], STRUCTURE_ONE)
    texts = _prompts(graph, models, "portrait photo of a person in a blue jacket, autumn park, soft light")
    latent = graph.add("EmptyLatentImage", width=512, height=512)
    sampled = _sample(graph, applied["model"], texts, latent["LATENT"])
    graph.place(
        [
            [_notes(graph, HOW_ONE)],
            [models.column],
            [Group("People", [person])],
            [Group("Prompt", [[texts]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [Group("Result", [[_save(graph, models, sampled, "one-person")]])],
        ]
    )


def two_people(graph: Graph) -> None:
    """Two photos; the router gives every place in the picture to one of them."""
    prompt = "two people sitting side by side on a bench, smiling, park, natural light"
    _several(graph, 2, prompt, "two-people")


def three_people(graph: Graph) -> None:
    """Three photos; nothing else differs."""
    _several(graph, 3, "three friends standing next to each other at the seaside, upper body, daylight", "three-people")


def two_people_controlnet_lora(graph: Graph) -> None:
    """Two people in a given pose, with a LoRA of the user's own."""
    models = _models(graph)
    people, last = _people(graph, models, 2)
    lora = graph.add(
        "LoraLoader",
        "Load LoRA (your own)",
        model=models.checkpoint["MODEL"],
        clip=models.checkpoint["CLIP"],
        lora_name=LORA,
        strength_model=0.8,
        strength_clip=0.8,
    )
    applied = _apply(graph, models, lora["MODEL"], last, STRUCTURE_SEVERAL)
    texts = _prompts(graph, models, "two people dancing in a ballroom, elegant clothes", clip=lora["CLIP"])
    control_net = graph.add("ControlNetLoader", control_net_name=CONTROL_NET)
    pose = graph.add("LoadImage", "Picture of the poses", image="poses.png")
    guided = graph.add(
        "ControlNetApplyAdvanced",
        positive=texts[0]["CONDITIONING"],
        negative=texts[1]["CONDITIONING"],
        control_net=control_net["CONTROL_NET"],
        image=pose["IMAGE"],
        strength=1.0,
    )
    latent = graph.add("EmptyLatentImage", width=768, height=512)
    sampled = _sample(graph, applied["model"], (guided["positive"], guided["negative"]), latent["LATENT"])
    result, map_group = _result(graph, models, applied, sampled, "two-people-controlnet-lora")
    graph.place(
        [
            [_notes(graph, HOW_CONTROLNET)],
            [models.column, Group("LoRA", [[lora]])],
            [Group("People", people)],
            [Group("Prompt", [[texts]]), Group("ControlNet", [[pose, [control_net, guided]]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [result, map_group],
        ]
    )


def two_people_masks(graph: Graph) -> None:
    """Two people, each bound to a mask instead of being placed by the router."""
    models = _models(graph)
    size: dict[str, Any] = {"width": 768, "height": 512}
    empty = graph.add("SolidMask", "No place", value=0.0, **size)
    half = graph.add("SolidMask", "Half of the picture", value=1.0, width=384, height=512)
    masks = [
        graph.add("MaskComposite", title, destination=empty["MASK"], source=half["MASK"], x=x, y=0, operation="add")
        for title, x in (("Mask of person 1: left half", 0), ("Mask of person 2: right half", 384))
    ]
    people, last = _people(graph, models, 2, [mask["MASK"] for mask in masks])
    applied = _apply(graph, models, models.checkpoint["MODEL"], last, STRUCTURE_SEVERAL)
    texts = _prompts(graph, models, "two people talking at a kitchen table, morning light")
    latent = graph.add("EmptyLatentImage", **size)
    sampled = _sample(graph, applied["model"], texts, latent["LATENT"])
    result, map_group = _result(graph, models, applied, sampled, "two-people-masks")
    graph.place(
        [
            [_notes(graph, HOW_MASKS)],
            [models.column],
            [Group("Masks", [[[empty, half, *masks]]])],
            [Group("People", people)],
            [Group("Prompt", [[texts]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [result, map_group],
        ]
    )


def group_hires(graph: Graph) -> None:
    """Three people in a group shot, enlarged, then every face painted again with that person's identity only."""
    models = _models(graph)
    people, last = _people(graph, models, 3)
    applied = _apply(graph, models, models.checkpoint["MODEL"], last, STRUCTURE_SEVERAL)
    texts = _prompts(graph, models, "three friends in front of a mountain hut, full body, wide shot, sunny day")
    latent = graph.add("EmptyLatentImage", width=768, height=512)
    first = _sample(graph, applied["model"], texts, latent["LATENT"], title="KSampler: first picture")
    larger = graph.add("LatentUpscaleBy", samples=first["LATENT"], upscale_method="bislerp", scale_by=1.5)
    second = _sample(graph, applied["model"], texts, larger["LATENT"], 0.55, "KSampler: larger picture")
    decoded = graph.add("VAEDecode", samples=second["LATENT"], vae=models.checkpoint["VAE"])
    routing = graph.add("LikenessShowRoutingMap", model=applied["model"], latent=second["LATENT"])
    places = graph.add("PreviewImage", "Who is where", images=routing["picture"])
    found = graph.add("LikenessDetectFaces", "Faces in the picture", image=decoded["IMAGE"], take="all")
    close = _prompts(graph, models, "close-up photo of a face, looking at the camera, sharp focus")
    faces: list[Group] = []
    picture = decoded["IMAGE"]
    for index in range(3):
        group, picture = _repaint(graph, models, index, close, last, routing, found, picture)
        faces.append(group)
    saved = graph.add("SaveImage", images=picture, filename_prefix="likeness/group-hires")
    left, _ = graph.place([[_notes(graph, HOW_GROUP)], [models.column], [Group("People", people)]])
    shot = Group("Sampling", [[[applied, latent], first, [larger, second]]])
    shown = Group("Routing map", [[[decoded, routing], places]])
    _, below = graph.place([[Group("Prompt", [[texts]])], [shot], [shown]], (left, 0))
    prepared = Group("Faces", [[[found, *close]]])
    graph.place([[prepared], faces, [Group("Result", [[saved]])]], (left, below))


WORKFLOWS: Mapping[str, Callable[[Graph], None]] = {
    "one-person": one_person,
    "two-people": two_people,
    "three-people": three_people,
    "two-people-controlnet-lora": two_people_controlnet_lora,
    "two-people-masks": two_people_masks,
    "group-hires": group_hires,
}


def build(name: str, definitions: Mapping[str, Any]) -> Graph:
    """Build one workflow from the node definitions of a running ComfyUI (`/object_info`)."""
    graph = Graph(name, definitions)
    WORKFLOWS[name](graph)
    return graph


def write_text(graph: Graph) -> dict[Path, str]:
    """Give the files of a workflow, by their path below `workflows/`."""
    return {
        Path(f"{graph.name}.json"): json.dumps(graph.to_ui(), indent=2, ensure_ascii=False) + "\n",
        Path("api", f"{graph.name}.json"): json.dumps(graph.to_api(), indent=2, ensure_ascii=False) + "\n",
    }


def main() -> int:
    """Write all files and name them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="http://127.0.0.1:8188", help="address of a running ComfyUI")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    options = parser.parse_args()
    with urllib.request.urlopen(f"{options.server}/object_info", timeout=120) as response:
        definitions = json.load(response)
    for name in WORKFLOWS:
        for path, text in write_text(build(name, definitions)).items():
            target = options.out / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            print(target)
    return 0


def _several(graph: Graph, count: int, prompt: str, name: str) -> None:
    models = _models(graph)
    people, last = _people(graph, models, count)
    applied = _apply(graph, models, models.checkpoint["MODEL"], last, STRUCTURE_SEVERAL)
    texts = _prompts(graph, models, prompt)
    latent = graph.add("EmptyLatentImage", width=768, height=512)
    sampled = _sample(graph, applied["model"], texts, latent["LATENT"])
    result, map_group = _result(graph, models, applied, sampled, name)
    graph.place(
        [
            [_notes(graph, HOW_SEVERAL)],
            [models.column],
            [Group("People", people)],
            [Group("Prompt", [[texts]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [result, map_group],
        ]
    )


def _notes(graph: Graph, how: str) -> Group:
    return Group("Read me", [[[graph.note("How it works", how), graph.note("What to download", DOWNLOADS)]]])


def _models(graph: Graph) -> Models:
    checkpoint = graph.add("CheckpointLoaderSimple", ckpt_name=CHECKPOINT)
    files = {"faceid": FACEID, "router": ROUTER, "backbone": BACKBONE, "image_prompt": "none"}
    uniportrait = graph.add("LikenessLoadUniPortrait", **files)
    return Models(checkpoint, uniportrait, graph.add("CLIPVisionLoader", clip_name=CLIP_VISION))


def _people(
    graph: Graph, models: Models, count: int, masks: Sequence[Socket | None] | None = None
) -> tuple[list[list[Node]], Node]:
    """Rows of nodes, one for each person, and the last node of the chain."""
    rows: list[list[Node]] = []
    for index, mask in enumerate(masks or [None] * count):
        rows.append(_person(graph, models, index + 1, rows[-1][-1] if rows else None, mask))
    return rows, rows[-1][-1]


def _person(
    graph: Graph, models: Models, number: int, before: Node | None = None, mask: Socket | None = None
) -> list[Node]:
    photo = graph.add("LoadImage", f"Photo of person {number}", image=f"person-{number}.png")
    faces = graph.add("LikenessDetectFaces", image=photo["IMAGE"])
    links = {"identities": before["identities"]} if before else {}
    links |= {"mask": mask} if mask else {}
    identity = graph.add(
        "LikenessAddUniPortraitIdentity",
        f"Add UniPortrait Identity: person {number}",
        uniportrait=models.uniportrait["uniportrait"],
        clip_vision=models.clip_vision["CLIP_VISION"],
        photo=faces["faces"],
        strength=STRENGTH,
        **links,
    )
    return [photo, faces, identity]


def _apply(graph: Graph, models: Models, model: Socket, people: Node, structure_scale: float) -> Node:
    return graph.add(
        "LikenessApplyUniPortrait",
        model=model,
        uniportrait=models.uniportrait["uniportrait"],
        identities=people["identities"],
        structure_scale=structure_scale,
    )


def _prompts(graph: Graph, models: Models, positive: str, clip: Socket | None = None) -> list[Node]:
    clip = clip or models.checkpoint["CLIP"]
    return [
        graph.add("CLIPTextEncode", "Prompt", text=positive, clip=clip),
        graph.add("CLIPTextEncode", "Negative prompt", text=NEGATIVE, clip=clip),
    ]


def _sample(
    graph: Graph,
    model: Socket,
    texts: Sequence[Node | Socket],
    latent: Socket,
    denoise: float = 1.0,
    title: str | None = None,
) -> Node:
    positive, negative = (text["CONDITIONING"] if isinstance(text, Node) else text for text in texts)
    links = {"model": model, "positive": positive, "negative": negative, "latent_image": latent}
    return graph.add("KSampler", title, **links, **SAMPLING, denoise=denoise)


def _save(graph: Graph, models: Models, sampled: Node, name: str) -> list[Node]:
    decoded = graph.add("VAEDecode", samples=sampled["LATENT"], vae=models.checkpoint["VAE"])
    return [decoded, graph.add("SaveImage", images=decoded["IMAGE"], filename_prefix=f"likeness/{name}")]


def _result(graph: Graph, models: Models, applied: Node, sampled: Node, name: str) -> tuple[Group, Group]:
    saved = _save(graph, models, sampled, name)
    routing = graph.add("LikenessShowRoutingMap", model=applied["model"], latent=sampled["LATENT"])
    places = graph.add("PreviewImage", "Who is where", images=routing["picture"])
    shares = graph.add("PreviewAny", "Share of each person", source=routing["shares"])
    return Group("Result", [[saved]]), Group("Routing map", [[[routing, shares], places]])


def _repaint(
    graph: Graph,
    models: Models,
    index: int,
    texts: Sequence[Node],
    people: Node,
    routing: Node,
    found: Node,
    picture: Socket,
) -> tuple[Group, Socket]:
    """Paint one person's face again at the size of a portrait and put it back."""
    face = graph.add("LikenessCropFace", image=picture, faces=found["faces"], mask=routing["masks"], index=index)
    person = graph.add("LikenessPickUniPortraitIdentity", identities=people["identities"], index=index)
    applied = _apply(graph, models, models.checkpoint["MODEL"], person, STRUCTURE_ONE)
    encoded = graph.add("VAEEncode", pixels=face["crop"], vae=models.checkpoint["VAE"])
    latent = graph.add("SetLatentNoiseMask", samples=encoded["LATENT"], mask=face["crop_mask"])
    sampled = _sample(graph, applied["model"], texts, latent["LATENT"], 0.5, f"KSampler: face of person {index + 1}")
    decoded = graph.add("VAEDecode", samples=sampled["LATENT"], vae=models.checkpoint["VAE"])
    pasted = graph.add("LikenessPasteFace", image=picture, crop=decoded["IMAGE"], region=face["region"])
    rows = [[face, [person, applied], [encoded, latent], sampled, [decoded, pasted]]]
    return Group(f"Face of person {index + 1}", rows), pasted["image"]


if __name__ == "__main__":
    sys.exit(main())
