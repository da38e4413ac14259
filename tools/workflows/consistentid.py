"""ConsistentID's workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .graph import Graph, Group, Node, Socket
from .notes import (
    CONSISTENTID_DOWNLOADS,
    HOW_CONSISTENTID,
    HOW_CONSISTENTID_ROUTER,
    HOW_CONSISTENTID_SDXL,
    HOW_INPAINT,
    HOW_REGION_MIXING,
)
from .parts import CHECKPOINT, CLIP_VISION, notes, result, sample, save

SDXL_CHECKPOINT = "sd_xl_base_1.0.safetensors"
ADAPTER, SDXL_ADAPTER = "ConsistentID-v1.bin", "ConsistentID_SDXL-v1.bin"
FACE_PARSING = "face_parsing.pth"
FACEID, ROUTER = "uniportrait-faceid_sd15.bin", "uniportrait-router_sd15.bin"
BACKBONE = "glint360k_curricular_face_r101_backbone.bin"
# Settings and texts of the published demos.
SAMPLING = {"seed": 2024, "steps": 50, "cfg": 5.0, "sampler_name": "euler", "scheduler": "normal"}
SDXL_SAMPLING = {**SAMPLING, "cfg": 7.5}
INPAINT_SAMPLING = {**SAMPLING, "cfg": 7.5, "sampler_name": "ddim", "scheduler": "ddim_uniform"}
MERGE: dict[str, Any] = {"merge_by": "step", "start_merge_step": 30}
NEGATIVE = "monochrome, lowres, bad anatomy, worst quality, low quality, blurry"
SDXL_NEGATIVE = (
    "(worst quality, low quality, illustration, 3d, 2d, painting, cartoons, sketch), open mouth"  # the demo's own
)
STYLE = "cinematic photo, {}, 50mm photograph, half-length portrait, film, bokeh, professional, 4k, highly detailed"


@dataclass(frozen=True, slots=True)
class Models:
    """The loaders that every workflow begins with."""

    checkpoint: Node
    consistentid: Node
    face_parser: Node
    clip_vision: Node

    @property
    def column(self) -> Group:
        """Their frame."""
        return Group("Models", [[[self.checkpoint, self.consistentid, self.face_parser, self.clip_vision]]])

    @property
    def readers(self) -> dict[str, Any]:
        """What every node that reads a photo needs."""
        return {
            "consistentid": self.consistentid["consistentid"],
            "clip_vision": self.clip_vision["CLIP_VISION"],
        }


def portrait(graph: Graph) -> None:
    """One photo, SD1.5, the settings of the published demo."""
    text = STYLE.format("a person in a red scarf, in a forest, adventuring")
    _portrait(graph, load_models(graph), text, NEGATIVE, (512, 768), SAMPLING, "consistentid-portrait")


def sdxl_portrait(graph: Graph) -> None:
    """One photo, SDXL."""
    models = load_models(graph, checkpoint=SDXL_CHECKPOINT, adapter=SDXL_ADAPTER)
    text = STYLE.format("a person in a doctor's coat, in a bright laboratory")
    size = (864, 1152)
    _portrait(
        graph, models, text, SDXL_NEGATIVE, size, SDXL_SAMPLING, "consistentid-sdxl-portrait", HOW_CONSISTENTID_SDXL
    )


def inpaint(graph: Graph) -> None:
    """The face in a photo painted anew, with a mask from Face Parsing."""
    models = load_models(graph, purpose="inpaint")
    photo, *nodes = add_person(graph, models, 1)
    parsing = graph.add(
        "LikenessParseFace",
        face_parser=models.face_parser["face_parser"],
        image=photo["IMAGE"],
        expand=12,
        feather=16,
    )
    text = "a smiling person, looking at the camera, soft daylight"
    prompt = encode(graph, models, nodes[-1], text, NEGATIVE, (512, 512))
    applied = apply(graph, models, nodes[-1])
    encoded = graph.add("VAEEncode", pixels=photo["IMAGE"], vae=models.checkpoint["VAE"])
    latent = graph.add("SetLatentNoiseMask", samples=encoded["LATENT"], mask=parsing["face"])
    texts = (prompt["positive"], prompt["negative"])
    sampled = sample(graph, applied["model"], texts, latent["LATENT"], INPAINT_SAMPLING)
    graph.place(
        [
            [notes(graph, HOW_INPAINT, CONSISTENTID_DOWNLOADS)],
            [models.column],
            [Group("Person", [[photo, *nodes]])],
            [Group("What is painted anew", [[[parsing]]]), Group("Prompt", [[[prompt]]])],
            [Group("Sampling", [[[applied, encoded, latent, sampled]]])],
            [Group("Result", [[save(graph, models.checkpoint["VAE"], sampled, "consistentid-inpaint")]])],
        ]
    )


def region_mixing(graph: Graph) -> None:
    """The face of one person with the eyes and the mouth of another, and a caption of one's own."""
    models = load_models(graph, mode="corrected")
    photo, faces, first = _regions(graph, models, 1)
    others = {"face": False, "ears": False, "nose": False, "regions": first["regions"]}
    other_photo, other_faces, mixed = _regions(graph, models, 2, **others)
    identity = graph.add(
        "LikenessAddConsistentIDIdentity",
        **models.readers,
        photo=faces["faces"],
        caption="A face with bright eyes, a straight nose and a friendly mouth, small ears half under the hair.",
        regions=mixed["regions"],
    )
    text = STYLE.format("a person on a (windy:1.1) beach, evening sun")
    prompt = encode(graph, models, identity, text, NEGATIVE, (512, 768))
    applied = apply(graph, models, identity)
    shown = graph.add("PreviewAny", "The prompt as assembled", source=prompt["text"])
    latent = graph.add("EmptyLatentImage", width=512, height=768)
    texts = (prompt["positive"], prompt["negative"])
    sampled = sample(graph, applied["model"], texts, latent["LATENT"], SAMPLING)
    rows = [[photo, faces, first], [other_photo, other_faces, mixed]]
    graph.place(
        [
            [notes(graph, HOW_REGION_MIXING, CONSISTENTID_DOWNLOADS)],
            [models.column],
            [Group("Regions of two people", rows)],
            [Group("Person", [[identity]])],
            [Group("Prompt", [[[prompt, shown]]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [Group("Result", [[save(graph, models.checkpoint["VAE"], sampled, "consistentid-region-mixing")]])],
        ]
    )


def two_people_router(graph: Graph) -> None:
    """Two people whose faces ConsistentID brings and UniPortrait's router places."""
    models = load_models(graph, mode="corrected")
    files = {"faceid": FACEID, "router": ROUTER, "backbone": BACKBONE, "image_prompt": "none"}
    uniportrait = graph.add("LikenessLoadUniPortrait", **files)
    rows: list[list[Node]] = []
    people: list[Node] = []
    for number in (1, 2):
        before = people[-1] if people else None
        row = add_person(graph, models, number, before)
        chained = {"identities": rows[-1][-1]["identities"]} if rows else {}
        placed = graph.add(
            "LikenessAddUniPortraitIdentity",
            f"For the router: person {number}",
            uniportrait=uniportrait["uniportrait"],
            clip_vision=models.clip_vision["CLIP_VISION"],
            photo=row[1]["faces"],
            **chained,
        )
        people.append(row[-1])
        rows.append([*row, placed])
    placement = graph.add(
        "LikenessUniPortraitPlacement", uniportrait=uniportrait["uniportrait"], identities=rows[-1][-1]["identities"]
    )
    text = "two people sitting side by side in a cafe, talking, window light"
    prompt = encode(graph, models, people[-1], text, NEGATIVE, (768, 512))
    applied = apply(graph, models, people[-1], placement=placement["placement"])
    latent = graph.add("EmptyLatentImage", width=768, height=512)
    texts = (prompt["positive"], prompt["negative"])
    sampled = sample(graph, applied["model"], texts, latent["LATENT"], SAMPLING)
    name = "consistentid-two-people-router"
    saved, routing = result(graph, models.checkpoint["VAE"], applied["model"], sampled, name)
    graph.place(
        [
            [notes(graph, HOW_CONSISTENTID_ROUTER, CONSISTENTID_DOWNLOADS)],
            [models.column, Group("Router", [[uniportrait]])],
            [Group("People", rows)],
            [Group("Prompt", [[[prompt]]]), Group("Placement", [[placement]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [saved, routing],
        ]
    )


WORKFLOWS: Mapping[str, Callable[[Graph], None]] = {
    "consistentid-portrait": portrait,
    "consistentid-inpaint": inpaint,
    "consistentid-region-mixing": region_mixing,
    "consistentid-two-people-router": two_people_router,
    "consistentid-sdxl-portrait": sdxl_portrait,
}


def load_models(
    graph: Graph,
    *,
    checkpoint: str = CHECKPOINT,
    adapter: str = ADAPTER,
    mode: str = "auto",
    purpose: str = "text to image",
) -> Models:
    """The loaders."""
    loaded = graph.add("CheckpointLoaderSimple", ckpt_name=checkpoint)
    consistentid = graph.add("LikenessLoadConsistentID", consistentid=adapter, mode=mode, purpose=purpose)
    face_parser = graph.add("LikenessLoadFaceParser", face_parser=FACE_PARSING)
    return Models(loaded, consistentid, face_parser, graph.add("CLIPVisionLoader", clip_name=CLIP_VISION))


def _portrait(
    graph: Graph,
    models: Models,
    text: str,
    negative: str,
    size: tuple[int, int],
    settings: Mapping[str, Any],
    name: str,
    how: str = HOW_CONSISTENTID,
) -> None:
    person = add_person(graph, models, 1)
    prompt = encode(graph, models, person[-1], text, negative, size)
    shown = graph.add("PreviewAny", "The prompt as assembled", source=prompt["text"])
    applied = apply(graph, models, person[-1])
    latent = graph.add("EmptyLatentImage", width=size[0], height=size[1])
    sampled = sample(graph, applied["model"], (prompt["positive"], prompt["negative"]), latent["LATENT"], settings)
    graph.place(
        [
            [notes(graph, how, CONSISTENTID_DOWNLOADS)],
            [models.column],
            [Group("Person", [person])],
            [Group("Prompt", [[[prompt, shown]]])],
            [Group("Sampling", [[[applied, latent, sampled]]])],
            [Group("Result", [[save(graph, models.checkpoint["VAE"], sampled, name)]])],
        ]
    )


def _regions(graph: Graph, models: Models, number: int, **given: Any) -> list[Node]:
    photo = graph.add("LoadImage", f"Photo of person {number}", image=f"person-{number}.png")
    faces = graph.add("LikenessDetectFaces", image=photo["IMAGE"])
    regions = graph.add(
        "LikenessEncodeFacialRegions",
        f"Encode Facial Regions: person {number}",
        **models.readers,
        photo=faces["faces"],
        face_parser=models.face_parser["face_parser"],
        **given,
    )
    return [photo, faces, regions]


def add_person(graph: Graph, models: Models, number: int, before: Node | None = None) -> list[Node]:
    """Photo, face and identity of one person; the last node is the end of the chain."""
    photo, faces, regions = _regions(graph, models, number)
    identity = graph.add(
        "LikenessAddConsistentIDIdentity",
        f"Add ConsistentID Identity: person {number}",
        **models.readers,
        photo=faces["faces"],
        regions=regions["regions"],
        **({"identities": before["identities"]} if before else {}),
    )
    return [photo, faces, regions, identity]


def encode(graph: Graph, models: Models, people: Node, text: str, negative: str, size: tuple[int, int]) -> Node:
    """Both prompts, with the people of a chain in them."""
    return graph.add(
        "LikenessEncodeConsistentIDPrompt",
        clip=models.checkpoint["CLIP"],
        consistentid=models.consistentid["consistentid"],
        identities=people["identities"],
        positive=text,
        negative=negative,
        width=size[0],
        height=size[1],
        **MERGE,
    )


def apply(graph: Graph, models: Models, people: Node, placement: Socket | None = None) -> Node:
    """The MODEL with the people of a chain."""
    given: dict[str, Any] = {} if placement is None else {"placement": placement}
    return graph.add(
        "LikenessApplyConsistentID",
        model=models.checkpoint["MODEL"],
        consistentid=models.consistentid["consistentid"],
        identities=people["identities"],
        **given,
    )
