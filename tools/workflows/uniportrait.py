"""UniPortrait's workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .graph import Graph, Group, Node, Socket
from .notes import DOWNLOADS, HOW_CONTROLNET, HOW_GROUP, HOW_MASKS, HOW_ONE, HOW_SEVERAL
from .parts import CHECKPOINT, CLIP_VISION, notes, prompts, result, sample, save

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
    models = load_models(graph)
    person = add_person(graph, models, 1)
    applied = apply(graph, models, models.checkpoint["MODEL"], person[-1], STRUCTURE_ONE)
    texts = prompts(
        graph,
        models.checkpoint["CLIP"],
        "portrait photo of a person in a blue jacket, autumn park, soft light",
        NEGATIVE,
    )
    latent = graph.add("EmptyLatentImage", width=512, height=512)
    sampled = sample(graph, applied["model"], texts, latent["LATENT"], SAMPLING)
    graph.place(
        [
            [notes(graph, HOW_ONE, DOWNLOADS)],
            [models.column],
            [Group("People", [person])],
            [Group("Prompt", [[texts]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [Group("Result", [[save(graph, models.checkpoint["VAE"], sampled, "one-person")]])],
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
    models = load_models(graph)
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
    applied = apply(graph, models, lora["MODEL"], last, STRUCTURE_SEVERAL)
    texts = prompts(graph, lora["CLIP"], "two people dancing in a ballroom, elegant clothes", NEGATIVE)
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
    sampled = sample(graph, applied["model"], (guided["positive"], guided["negative"]), latent["LATENT"], SAMPLING)
    saved, map_group = result(graph, models.checkpoint["VAE"], applied["model"], sampled, "two-people-controlnet-lora")
    graph.place(
        [
            [notes(graph, HOW_CONTROLNET, DOWNLOADS)],
            [models.column, Group("LoRA", [[lora]])],
            [Group("People", people)],
            [Group("Prompt", [[texts]]), Group("ControlNet", [[pose, [control_net, guided]]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [saved, map_group],
        ]
    )


def two_people_masks(graph: Graph) -> None:
    """Two people, each bound to a mask instead of being placed by the router."""
    models = load_models(graph)
    size: dict[str, Any] = {"width": 768, "height": 512}
    empty = graph.add("SolidMask", "No place", value=0.0, **size)
    half = graph.add("SolidMask", "Half of the picture", value=1.0, width=384, height=512)
    masks = [
        graph.add("MaskComposite", title, destination=empty["MASK"], source=half["MASK"], x=x, y=0, operation="add")
        for title, x in (("Mask of person 1: left half", 0), ("Mask of person 2: right half", 384))
    ]
    people, last = _people(graph, models, 2, [mask["MASK"] for mask in masks])
    applied = apply(graph, models, models.checkpoint["MODEL"], last, STRUCTURE_SEVERAL)
    texts = prompts(graph, models.checkpoint["CLIP"], "two people talking at a kitchen table, morning light", NEGATIVE)
    latent = graph.add("EmptyLatentImage", **size)
    sampled = sample(graph, applied["model"], texts, latent["LATENT"], SAMPLING)
    saved, map_group = result(graph, models.checkpoint["VAE"], applied["model"], sampled, "two-people-masks")
    graph.place(
        [
            [notes(graph, HOW_MASKS, DOWNLOADS)],
            [models.column],
            [Group("Masks", [[[empty, half, *masks]]])],
            [Group("People", people)],
            [Group("Prompt", [[texts]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [saved, map_group],
        ]
    )


def group_hires(graph: Graph) -> None:
    """Three people in a group shot, enlarged, then every face painted again with that person's identity only."""
    models = load_models(graph)
    people, last = _people(graph, models, 3)
    applied = apply(graph, models, models.checkpoint["MODEL"], last, STRUCTURE_SEVERAL)
    texts = prompts(
        graph,
        models.checkpoint["CLIP"],
        "three friends in front of a mountain hut, full body, wide shot, sunny day",
        NEGATIVE,
    )
    latent = graph.add("EmptyLatentImage", width=768, height=512)
    first = sample(graph, applied["model"], texts, latent["LATENT"], SAMPLING, title="KSampler: first picture")
    larger = graph.add("LatentUpscaleBy", samples=first["LATENT"], upscale_method="bislerp", scale_by=1.5)
    second = sample(
        graph, applied["model"], texts, larger["LATENT"], SAMPLING, denoise=0.55, title="KSampler: larger picture"
    )
    decoded = graph.add("VAEDecode", samples=second["LATENT"], vae=models.checkpoint["VAE"])
    routing = graph.add("LikenessShowRoutingMap", model=applied["model"], latent=second["LATENT"])
    places = graph.add("PreviewImage", "Who is where", images=routing["picture"])
    found = graph.add("LikenessDetectFaces", "Faces in the picture", image=decoded["IMAGE"], take="all")
    close = prompts(
        graph,
        models.checkpoint["CLIP"],
        "close-up photo of a face, looking at the camera, sharp focus",
        NEGATIVE,
    )
    faces: list[Group] = []
    picture = decoded["IMAGE"]
    for index in range(3):
        group, picture = _repaint(graph, models, index, close, last, routing, found, picture)
        faces.append(group)
    saved = graph.add("SaveImage", images=picture, filename_prefix="likeness/group-hires")
    left, _ = graph.place([[notes(graph, HOW_GROUP, DOWNLOADS)], [models.column], [Group("People", people)]])
    shot = Group("Sampling", [[[applied, latent], first, [larger, second]]])
    shown = Group("Routing map", [[[decoded, routing], places]])
    _, below = graph.place([[Group("Prompt", [[texts]])], [shot], [shown]], (left, 0))
    prepared = Group("Faces", [[[found, *close]]])
    graph.place([[prepared], faces, [Group("Result", [[saved]])]], (left, below))


def _several(graph: Graph, count: int, prompt: str, name: str) -> None:
    models = load_models(graph)
    people, last = _people(graph, models, count)
    applied = apply(graph, models, models.checkpoint["MODEL"], last, STRUCTURE_SEVERAL)
    texts = prompts(graph, models.checkpoint["CLIP"], prompt, NEGATIVE)
    latent = graph.add("EmptyLatentImage", width=768, height=512)
    sampled = sample(graph, applied["model"], texts, latent["LATENT"], SAMPLING)
    saved, map_group = result(graph, models.checkpoint["VAE"], applied["model"], sampled, name)
    graph.place(
        [
            [notes(graph, HOW_SEVERAL, DOWNLOADS)],
            [models.column],
            [Group("People", people)],
            [Group("Prompt", [[texts]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [saved, map_group],
        ]
    )


def load_models(graph: Graph) -> Models:
    """The loaders."""
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
        rows.append(add_person(graph, models, index + 1, rows[-1][-1] if rows else None, mask))
    return rows, rows[-1][-1]


def add_person(
    graph: Graph, models: Models, number: int, before: Node | None = None, mask: Socket | None = None
) -> list[Node]:
    """Photo, face and identity of one person; the last node is the end of the chain."""
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


def apply(graph: Graph, models: Models, model: Socket, people: Node, structure_scale: float) -> Node:
    """The MODEL with the people of a chain."""
    return graph.add(
        "LikenessApplyUniPortrait",
        model=model,
        uniportrait=models.uniportrait["uniportrait"],
        identities=people["identities"],
        structure_scale=structure_scale,
    )


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
    applied = apply(graph, models, models.checkpoint["MODEL"], person, STRUCTURE_ONE)
    encoded = graph.add("VAEEncode", pixels=face["crop"], vae=models.checkpoint["VAE"])
    latent = graph.add("SetLatentNoiseMask", samples=encoded["LATENT"], mask=face["crop_mask"])
    sampled = sample(
        graph,
        applied["model"],
        texts,
        latent["LATENT"],
        SAMPLING,
        denoise=0.5,
        title=f"KSampler: face of person {index + 1}",
    )
    decoded = graph.add("VAEDecode", samples=sampled["LATENT"], vae=models.checkpoint["VAE"])
    pasted = graph.add("LikenessPasteFace", image=picture, crop=decoded["IMAGE"], region=face["region"])
    rows = [[face, [person, applied], [encoded, latent], sampled, [decoded, pasted]]]
    return Group(f"Face of person {index + 1}", rows), pasted["image"]


WORKFLOWS: Mapping[str, Callable[[Graph], None]] = {
    "one-person": one_person,
    "two-people": two_people,
    "three-people": three_people,
    "two-people-controlnet-lora": two_people_controlnet_lora,
    "two-people-masks": two_people_masks,
    "group-hires": group_hires,
}
