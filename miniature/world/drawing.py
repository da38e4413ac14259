"""Drawing: plans become pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from .canvas import Canvas
from .captions import write_captions
from .layout import LAYOUTS, Layout
from .people.anatomy import EYE_X, EYE_Y, MOUTH_Y, MOUTHS, NOSE_Y
from .people.appearance import Light
from .people.identity import MOUTH
from .people.person import Person
from .plan import NOBODY, Plan
from .regions import Region
from .scene import Scene

AT_ONCE = 32  # pictures that are painted together: what they take still fits into a processor's cache


def draw(plan: Plan, size: int, *, with_regions: bool) -> Scene:
    """Draw pictures from their plans.

    Args:
        plan: of the pictures.
        size: their side, pixels.
        with_regions: whether to keep the masks of all regions.
    """
    pictures, people = plan.codes.shape[:2]
    image = torch.empty(pictures, 3, size, size)
    faces, instances = torch.zeros(2, pictures, people, size, size)
    regions = torch.zeros(pictures, people, len(Region), size, size) if with_regions else None
    for number, layout in enumerate(LAYOUTS):
        for rows in (plan.layout == number).nonzero()[:, 0].split(AT_ONCE):
            if not len(rows):
                continue
            canvas = _paint(plan, layout, rows, size, with_regions=with_regions)
            drawn = slice(len(layout.places))
            image[rows] = canvas.colours
            faces[rows, drawn] = canvas.faces
            instances[rows, drawn] = canvas.instances
            if regions is not None and canvas.regions is not None:
                regions[rows, drawn] = canvas.regions
    return Scene(
        image=image,
        plan=plan,
        captions=write_captions(plan.codes, plan.facts, plan.phrasing),
        faces=faces,
        instances=instances,
        regions=regions,
        boxes=_boxes(faces),
        person_boxes=_boxes(instances),
        points=_points(plan, size),
    )


def _paint(plan: Plan, layout: Layout, rows: Tensor, size: int, *, with_regions: bool) -> Canvas:
    canvas = Canvas.empty(len(rows), len(layout.places), size, with_regions=with_regions)
    for place in layout.front:
        person = Person(
            codes=plan.codes[rows, place],
            clothing=plan.facts.clothing[rows, place],
            accessory=plan.facts.accessory[rows, place],
            pose=plan.pose.of(rows, place),
        )
        canvas.add(person, place, layout)
    canvas.finish(plan.backdrop.of(rows).paint(size), _brightness(plan.light, rows, size))
    return canvas


def _brightness(light: Light, rows: Tensor, size: int) -> Tensor:
    """Return what the light leaves of the colours, (R, 3, 1, S)."""
    across = torch.arange(size, dtype=torch.float64).add(0.5).mul(2 / size).sub(1)
    by_colour = torch.stack((1 + light.warmth, torch.ones_like(light.warmth), 1 - light.warmth), -1)[rows]
    along = light.gain[rows, None] * (1 + light.slope[rows, None] * across)
    return (by_colour[:, :, None] * along[:, None]).float()[:, :, None]


def _boxes(masks: Tensor) -> Tensor:
    """Return the pixels of which at least half is covered, x0 y0 x1 y1; zeros where there are none."""
    covered = masks >= 0.5
    edges: list[Tensor] = []
    for axis in (-2, -1):
        line = covered.any(axis).int()
        first, last = line.argmax(-1), line.shape[-1] - line.flip(-1).argmax(-1)
        edges += [first, torch.where(line.any(-1), last, 0)]
    return torch.stack((edges[0], edges[2], edges[1], edges[3]), -1).float()


def _points(plan: Plan, size: int) -> Tensor:
    """Return where the five points of every face lie, (B, N, 5, 2); zeros where there is nobody."""
    present = plan.codes[..., 0] != NOBODY
    corner = MOUTHS.of(plan.codes[..., MOUTH].clamp(min=0))["width"].double()
    zero = torch.zeros_like(corner)
    x = torch.stack((zero - EYE_X, zero + EYE_X, zero, -corner, corner), -1)
    y = torch.tensor((EYE_Y, EYE_Y, NOSE_Y, MOUTH_Y, MOUTH_Y), dtype=torch.float64).expand_as(x)
    pose = plan.pose
    cos, sin, scale = (value[..., None] for value in (pose.turn.cos(), pose.turn.sin(), pose.scale))
    across = (x * cos - y * sin) * scale + pose.x[..., None]
    down = (x * sin + y * cos) * scale + pose.y[..., None]
    points = torch.stack((across, down), -1) * size - 0.5
    return torch.where(present[..., None, None], points, 0.0).float()
