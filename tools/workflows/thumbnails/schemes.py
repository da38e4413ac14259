"""Thumbnails of workflows that need published weights: a drawing of what goes in and what comes out.

Portraits of drawn people stand above a picture of the same people, as the miniature's world draws both; no network is run.
"""

from __future__ import annotations

import torch
from PIL import Image, ImageDraw, ImageOps

from ....miniature.world.scene import Scene
from ....miniature.world.world import World
from ....models.records.legend import colour_of
from ...demo.scene import PEOPLE
from ..workflow import Motif, Scheme
from .sheet import compose
from .styles import card, mosaic, style_picture

SEED = 12
DRAWN = 512  # pixels of the world's pictures, before they are made small
CAST = (*PEOPLE, (1, 2, 3, 1, 0, 0, 2))  # the people of the demo, and a third
MIXED = (0, 4, 0, 3, 2, 0, 0)  # the first, with the eyes and the mouth of the second
DARK, LIGHT = (40, 40, 46), (255, 255, 255)
LIMBS = ((0, 0.16, 0, 0.55), (0, 0.28, -0.16, 0.42), (0, 0.28, 0.16, 0.36), (0, 0.55, -0.1, 0.86), (0, 0.55, 0.1, 0.86))


def draw_scheme(scheme: Scheme) -> Image.Image:
    """Draw the thumbnail of one scheme, RGB, 512 × 512."""
    world = World(seed=SEED, size=DRAWN)
    codes = torch.tensor(CAST[: scheme.people])[None]
    portraits = world.portraits([scheme.scene], people=scheme.people, codes=codes)
    shown = torch.tensor([[MIXED]]) if scheme.motif == "features" else codes
    scene = world.scenes([scheme.scene], people=(shown.shape[1], shown.shape[1]), codes=shown)
    large = Image.fromarray(scene.arrays()[0])
    given = [Image.fromarray(each) for each in portraits.arrays()]
    match scheme.motif:
        case "pose" | "guided pose":
            given.append(_poses(scheme.people))
        case "style" | "masks in a style" | "mix":
            given.append(style_picture())
        case "style and text" | "from text to picture":
            given += [card(), style_picture()]
        case "redrawn":
            given = [large.copy(), style_picture()]
        case _:
            pass
    drawn = [mosaic(each, amount) for each, amount in _pictures(world, scheme, large)]
    for each in drawn:
        _mark(each, scheme.motif, scene)
    return compose(given, drawn)


def _pictures(world: World, scheme: Scheme, large: Image.Image) -> list[tuple[Image.Image, float]]:
    """What comes out, from left to right, each with how far it is in the style."""
    match scheme.motif:
        case "style" | "style and text" | "masks in a style" | "redrawn":
            return [(large, 1.0)]
        case "views":
            return [(large, 1.0), (ImageOps.mirror(large), 1.0)]
        case "from text to picture":
            return [(large, amount) for amount in (0.0, 0.5, 1.0)]
        case "mix":
            between = (CAST[0], MIXED, CAST[1])
            scenes = (world.scenes([scheme.scene], people=(1, 1), codes=torch.tensor([[each]])) for each in between)
            return [(Image.fromarray(each.arrays()[0]), 1.0) for each in scenes]
        case _:
            return [(large, 0.0)]


def _mark(picture: Image.Image, motif: Motif, scene: Scene) -> None:
    """Draw over a picture what tells a workflow from its likes."""
    boxes = [tuple(box) for box in scene.boxes[0].tolist()]
    match motif:
        case "masks" | "masks in a style":
            _half(picture)
        case "close-ups":
            _frames(picture, boxes)
        case "new face":
            _ellipses(picture, boxes)
        case "guided" | "guided pose":
            _curve(picture, len(boxes))
        case _:
            pass


def _colour(place: int) -> tuple[int, int, int]:
    red, green, blue = (round(255 * channel) for channel in colour_of(place))
    return red, green, blue


def _half(picture: Image.Image) -> None:
    """The mask of the first person: the left half, tinted, with a dashed edge."""
    width, height = picture.size
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).rectangle((0, 0, width // 2, height), fill=90)
    picture.paste(Image.new("RGB", picture.size, _colour(0)), mask=mask)
    pen = ImageDraw.Draw(picture)
    for top in range(0, height, 40):
        pen.line((width // 2, top, width // 2, top + 22), fill=LIGHT, width=8)


def _poses(people: int) -> Image.Image:
    """A picture of stick figures, which goes in beside the portraits."""
    picture = Image.new("RGB", (DRAWN, DRAWN), DARK)
    pen = ImageDraw.Draw(picture)
    for place in range(people):
        middle = DRAWN * (place + 0.5) / people
        reach = DRAWN * (1 if place % 2 else -1)
        for x0, y0, x1, y1 in LIMBS:
            ends = (middle + x0 * reach, y0 * DRAWN, middle + x1 * reach, y1 * DRAWN)
            pen.line(ends, fill=_colour(place), width=20)
        radius = DRAWN * 0.08
        pen.ellipse((middle - radius, radius, middle + radius, 3 * radius), fill=LIGHT)
    return picture


def _frames(picture: Image.Image, boxes: list[tuple[float, ...]]) -> None:
    """A square around every face, as it is cut out and painted again."""
    pen = ImageDraw.Draw(picture)
    for place, (left, top, right, bottom) in enumerate(boxes):
        half = 0.72 * max(right - left, bottom - top)
        x, y = (left + right) / 2, (top + bottom) / 2
        pen.rectangle((x - half, y - half, x + half, y + half), outline=_colour(place), width=10)


def _ellipses(picture: Image.Image, boxes: list[tuple[float, ...]]) -> None:
    """Everything but the face turned grey, and an edge around the face."""
    mask = Image.new("L", picture.size, 255)
    for box in boxes:
        ImageDraw.Draw(mask).ellipse(box, fill=0)
    picture.paste(picture.convert("L").convert("RGB"), mask=mask)
    pen = ImageDraw.Draw(picture)
    for place, box in enumerate(boxes):
        pen.ellipse(box, outline=_colour(place), width=8)


def _curve(picture: Image.Image, people: int) -> None:
    """Lines that rise from left to right: how alike the faces become."""
    width, height = picture.size
    side = height // 4
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, height - side, width, height), fill=DARK)
    for place in range(people):
        steps = [step / 40 for step in range(41)]
        highest = 0.78 - 0.16 * place
        points = [(width * (0.05 + 0.9 * step), height - side * (0.12 + highest * step**0.5)) for step in steps]
        pen.line(points, fill=_colour(place), width=10, joint="curve")
