"""A coloured picture of who was placed where: whose each place is, and how clearly, with everybody's name on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from ..errors import MissingPackageError
from ..images.contact_sheet import fit_text
from ..images.layout import images_from_arrays, rgb_images
from .legend import LegendLine, colour_of, draw_legend, letters_for, rgb_of
from .placements import PlacementMaps

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

PIXELS_PER_CELL = 8  # a latent cell of SD1.5 and SDXL is 8×8 pixels
GROUND = 0.12  # grey of a place without a picture
FAINTEST, STRONGEST = 0.35, 0.9  # how much of a place's colour is the person's, by margin, without a picture
OVER = 0.7  # the same over a picture, as a factor
PALE = 0.6  # how much of a picture's colour is taken out, so that people's show
NOBODY = -1
COARSE = 64  # cells on a side of the grid on which the middle of an area is looked for
FULL = 0.999
PLATE, INK = (24, 24, 24, 200), (245, 245, 245, 255)
WIDEST = 0.6  # of a name plate, on the picture's width

Box = tuple[int, int, int, int]  # left, top, right, bottom


def person_masks(maps: PlacementMaps, size: tuple[int, int] | None = None) -> Tensor:
    """Return one picture-sized mask per person, picture by picture, people in their order.

    Args:
        maps: of one run.
        size: (H, W) of the picture; None for eight pixels for every position of the finest layer.

    Returns:
        (S·N, H, W) float32, 0–1.
    """
    masks = maps.maps.flatten(0, 1)[:, None]
    return functional.interpolate(masks, size or _size_of(maps), mode="bilinear", align_corners=False)[:, 0].clamp(0, 1)


def draw(maps: PlacementMaps, size: tuple[int, int] | None = None, image: Tensor | None = None) -> Tensor:
    """Return a picture for each one of the batch: the winner of every place in their colour, stronger where they win clearly.

    People's names stand on their areas; a legend below has everybody's share, and says who wins no place at all.

    Args:
        maps: of one run.
        size: (H, W) of the pictures; None for eight pixels for every position of the finest layer.
        image: the finished pictures to draw over, (B, H, W, C), 0–1; picture i of the run takes i modulo B, and their size is
            taken.

    Returns:
        (S, H + legend, W, 3) float32, 0–1.

    Raises:
        BadImageError: if the image is none.
        MissingPackageError: without Pillow.
    """
    below = None if image is None else rgb_images(image).cpu().clamp(0, 1)
    if below is not None:
        size = (below.shape[1], below.shape[2])
    pictures: list[np.ndarray] = []
    for number, (weights, shares) in enumerate(zip(maps.maps, maps.shares, strict=True)):
        winners = find_winners(weights, size or _size_of(maps))
        coloured = colour_winners(winners, len(maps.names), None if below is None else below[number % len(below)])
        lost = [name for name in maps.names if maps.is_missing(name, number)]
        pictures.append(_annotate(coloured, winners, shares, lost, maps.equal_choices))
    return images_from_arrays(pictures)


def _size_of(maps: PlacementMaps) -> tuple[int, int]:
    height, width = maps.maps.shape[-2:]
    return height * PIXELS_PER_CELL, width * PIXELS_PER_CELL


def colour_winners(winners: Winners, people: int, picture: Tensor | None) -> Tensor:
    """Return the winners' colours over a picture (H, W, 3) or on dark grey, with light lines between areas, (H, W, 3), 0–1."""
    colours = torch.tensor([*(colour_of(place) for place in range(people)), (GROUND,) * 3])
    is_somebody = winners.people != NOBODY
    opacity = (FAINTEST + (STRONGEST - FAINTEST) * winners.margins) * is_somebody
    if picture is None:
        below = torch.full((*winners.people.shape, 3), GROUND)
    else:
        below = torch.lerp(picture, picture.mean(-1, keepdim=True).expand_as(picture), PALE)
    opacity = (opacity * (1 if picture is None else OVER))[..., None]
    mixed = below * (1 - opacity) + colours[winners.people] * opacity
    lines = winners.borders(1 + 2 * (winners.people.shape[1] // 512))
    return torch.where(lines[..., None], 0.15 * mixed + 0.85, mixed)


def _annotate(
    coloured: Tensor, winners: Winners, shares: dict[str, float], lost: Sequence[str], equal_choices: float | None
) -> np.ndarray:
    """The picture with names and a legend below, which says who was never found, (H + legend, W, 3) uint8."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackageError(
            'The routing picture needs the package "Pillow": pip install pillow, or use the masks alone.'
        ) from error
    picture = Image.fromarray((coloured * 255).round().to(torch.uint8).numpy())
    middles = [winners.middle_of(place) for place in range(len(shares))]
    plates = [
        NamePlate(name, middle, rgb_of(place))
        for place, (name, middle) in enumerate(zip(shares, middles, strict=True))
        if middle is not None
    ]
    lines = [
        LegendLine(_say(name, share, is_strongest=middle is not None, is_lost=name in lost), rgb_of(place))
        for place, ((name, share), middle) in enumerate(zip(shares.items(), middles, strict=True))
    ]
    if equal_choices is not None:
        lines.append(LegendLine(f"router: {equal_choices:.0%} chosen as before"))
    named = draw_name_plates(picture, plates, letters_for(picture.width))
    return np.concatenate([np.asarray(named), np.asarray(draw_legend(lines, picture.width))])


def _say(name: str, share: float, *, is_strongest: bool, is_lost: bool) -> str:
    """What the legend says of somebody."""
    if is_lost:
        return f"{name}: not found ({share:.0%})"
    return f"{name}: {share:.0%}" if is_strongest else f"{name}: nowhere the strongest ({share:.0%})"


@dataclass(frozen=True, eq=False, slots=True)
class Winners:
    """The winner of every place of one picture.

    Attributes:
        people: the place of a person in the chain, or -1 for nobody, (H, W) int64.
        margins: the winner's weight less that of the second, where nobody counts as one, (H, W) float32, 0–1.
    """

    people: Tensor
    margins: Tensor

    def middle_of(self, person: int) -> tuple[int, int] | None:
        """Return (y, x) of a place well inside a person's largest area; None where the person wins nothing."""
        area = (self.people == person).float()
        if not area.any():
            return None
        height, width = area.shape
        coarse = adaptive_avg_pool2d(area[None], (min(height, COARSE), min(width, COARSE)))[0]
        side = min(coarse.shape) // 6 * 2 + 1
        fullness = avg_pool2d(coarse[None], side, stride=1, padding=side // 2)[0] * coarse  # the border counts as empty
        best = (fullness >= fullness.max() * FULL).nonzero().float()  # of a large area all of its inside
        y, x = best[((best - best.mean(0)) ** 2).sum(1).argmin()].tolist()
        return int((y + 0.5) * height / coarse.shape[0]), int((x + 0.5) * width / coarse.shape[1])

    def borders(self, width: int) -> Tensor:
        """Return where two areas meet, (H, W) bool, in lines as wide as a number of pixels."""
        people = self.people
        meets = torch.zeros_like(people, dtype=torch.bool)
        meets[1:] |= people[1:] != people[:-1]
        meets[:, 1:] |= people[:, 1:] != people[:, :-1]
        if width == 1:
            return meets
        grown = functional.max_pool2d(meets[None].float(), width, stride=1, padding=width // 2)[0] > 0
        return grown[: people.shape[0], : people.shape[1]]


def find_winners(maps: Tensor, size: tuple[int, int]) -> Winners:
    """Return whose each place of a picture is.

    Args:
        maps: weights of N people, (N, h, w), 0–1; what is missing to 1 is nobody's.
        size: (H, W) of the picture; weights between positions are bilinear.
    """
    best = _resize((1 - maps.sum(0)).clamp(min=0), size)
    people = torch.full(size, NOBODY)
    second = torch.zeros(size)
    for person, weights in enumerate(maps):  # one at a time: a large picture of many people takes much memory
        mine = _resize(weights, size)
        wins = mine > best
        second = torch.where(wins, best, torch.maximum(second, mine))
        people[wins] = person
        best = torch.maximum(best, mine)
    return Winners(people, (best - second).clamp(0, 1))


def _resize(weights: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(weights[None, None], size, mode="bilinear", align_corners=False)[0, 0]


@dataclass(frozen=True, slots=True)
class NamePlate:
    """A name and where it belongs.

    Attributes:
        name: of the person.
        middle: (y, x) of the plate, pixels.
        colour: of the person, RGB, 0–255.
    """

    name: str
    middle: tuple[int, int]
    colour: tuple[int, int, int]


def draw_name_plates(picture: Image, plates: Sequence[NamePlate], size: int) -> Image:
    """Return a picture with names on it; a plate that would cover another is moved below it, or above at the bottom.

    Args:
        picture: RGB.
        plates: what to write.
        size: of the letters, pixels.
    """
    from PIL import Image, ImageDraw, ImageFont

    layer = Image.new("RGBA", picture.size)
    pen = ImageDraw.Draw(layer)
    font = ImageFont.load_default(size)
    taken: list[Box] = []
    for plate in plates:
        name = fit_text(plate.name, font, picture.width * WIDEST)
        box = place_box(_box_of(name, font, plate.middle, size), taken, picture.size)
        taken.append(box)
        pen.rounded_rectangle(box, size // 3, fill=PLATE, outline=plate.colour, width=max(1, size // 10))
        pen.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), name, fill=INK, font=font, anchor="mm")
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def place_box(box: Box, taken: Sequence[Box], size: tuple[int, int]) -> Box:
    """Return a box as near to its place as it can be, inside of the picture and off the others where there is room.

    Args:
        box: where it would be.
        taken: the others.
        size: width and height of the picture.
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    left = max(0, min(left, size[0] - width))
    tops = [top, *(other[3] + 1 for other in taken), *(other[1] - height - 1 for other in taken)]
    inside = [max(0, min(each, size[1] - height)) for each in tops]
    free = [each for each in inside if not any(_meet((left, each, left + width, each + height), o) for o in taken)]
    chosen = min(free or inside[:1], key=lambda each: abs(each - top))
    return left, chosen, left + width, chosen + height


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _box_of(name: str, font: FreeTypeFont | ImageFont, middle: tuple[int, int], size: int) -> Box:
    width, height = round(font.getlength(name)) + size, round(size * 1.5)
    left, top = middle[1] - width // 2, middle[0] - height // 2
    return left, top, left + width, top + height
