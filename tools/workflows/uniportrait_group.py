"""A group shot with UniPortrait: small faces are painted again, one by one."""

from __future__ import annotations

from collections.abc import Sequence

from .graph import Graph
from .layout import Group
from .node import Node, Socket
from .notes import CONSENT, PHOTOS
from .parts import add_people, add_prompts, arrange, load_checkpoint, sample, show_places
from .uniportrait_parts import NEGATIVE, SAMPLING, apply, load_uniportrait

PEOPLE = 3
LARGER = 1.5
HOW = f"""
{PHOTOS}
3. The first *KSampler* makes the group, the second enlarges it 1.5 times.
4. *Show Routing Map* gives a mask per person. *Crop Face* takes the face in the mask of person `number`, 512 × 512, which is painted
   again **with that person alone** (*Pick Person*). *Paste Face* puts it back; then the next person.

If a face changes too much, lower `denoise` of *KSampler: face of person …* (0.3–0.6).

{CONSENT}
"""


def group_with_sharp_faces(graph: Graph) -> None:
    """Three people in a group shot, enlarged, then every face painted again with that person alone."""
    checkpoint, adapter = load_checkpoint(graph), load_uniportrait(graph)
    people = add_people(graph, PEOPLE)
    applied = apply(graph, checkpoint["MODEL"], adapter, people[-1][-1])
    text = "three friends in front of a mountain hut, full body, wide shot, sunny day"
    texts = add_prompts(graph, checkpoint["CLIP"], text, NEGATIVE)
    latent = graph.add("EmptyLatentImage", width=768, height=512)
    first = sample(graph, applied["model"], texts, latent, SAMPLING, title="KSampler: first picture")
    larger = graph.add("LatentUpscaleBy", samples=first["LATENT"], upscale_method="bislerp", scale_by=LARGER)
    second = sample(graph, applied["model"], texts, larger, SAMPLING, denoise=0.55, title="KSampler: larger picture")
    decoded = graph.add("VAEDecode", samples=second["LATENT"], vae=checkpoint["VAE"])
    places = show_places(graph, second, decoded)
    [[routing]] = places.columns
    found = graph.add("LikenessDetectFaces", "Faces in the picture", image=decoded["IMAGE"], take="all")
    text = "close-up photo of a face, looking at the camera, sharp focus"
    close = add_prompts(graph, checkpoint["CLIP"], text, NEGATIVE)
    faces: list[Group] = []
    picture = decoded["IMAGE"]
    for number in range(1, PEOPLE + 1):
        crop = graph.add("LikenessCropFace", image=picture, faces=found["faces"], mask=routing["masks"], number=number)
        person = graph.add("LikenessPickPerson", people=people[-1][-1]["people"], number=number)
        alone = apply(graph, checkpoint["MODEL"], adapter, person)
        group, picture = _repaint(graph, number, close, [crop, person, alone], picture, checkpoint["VAE"])
        faces.append(group)
    saved = graph.add("SaveImage", images=picture, filename_prefix=f"likeness/{graph.slug}")
    right, bottom = arrange(
        graph,
        HOW,
        [checkpoint, adapter],
        [Group("People", people)],
        [Group("Prompt", [texts]), Group("Who is in", [[applied]])],
        [Group("Group", [[latent, first], [larger, second, decoded]]), places],
    )
    graph.place([[Group("Faces", [[found, *close]])], *([face] for face in faces[:2])], (0, bottom))
    graph.place([[faces[2]], [Group("Result", [[saved]])]], (right, 0))


def _repaint(
    graph: Graph, number: int, texts: Sequence[Node], chosen: Sequence[Node], picture: Socket, vae: Socket
) -> tuple[Group, Socket]:
    """Paint one person's face again at the size of a portrait and put it back.

    Args:
        graph: where to.
        number: of the person, from 1.
        texts: both prompts.
        chosen: *Crop Face*, *Pick Person* and *Apply UniPortrait* of that person.
        picture: the whole picture so far.
        vae: of the checkpoint.
    """
    crop, _, alone = chosen
    encoded = graph.add("VAEEncode", pixels=crop["crop"], vae=vae)
    masked = graph.add("SetLatentNoiseMask", samples=encoded["LATENT"], mask=crop["crop_mask"])
    title = f"KSampler: face of person {number}"
    sampled = sample(graph, alone["model"], texts, masked, SAMPLING, denoise=0.5, title=title)
    decoded = graph.add("VAEDecode", samples=sampled["LATENT"], vae=vae)
    pasted = graph.add("LikenessPasteFace", image=picture, crop=decoded["IMAGE"], square=crop["square"])
    columns = [chosen, [encoded, masked, sampled, decoded, pasted]]
    return Group(f"Face of person {number}", columns), pasted["image"]
