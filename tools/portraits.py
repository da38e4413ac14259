"""Pictures of people for the demo: a public-domain photo and drawings, each with its five face points.

    python -m likeness.tools.portraits FOLDER

writes them all with a JSON file of points beside each.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float]
Colour = tuple[int, int, int]

SIZE = 512
FINE = 3  # drawn this much larger, then reduced: smooth edges
# Left eye, right eye, nose tip, left and right corner of the mouth, as seen in the picture; placed by hand.
ASTRONAUT_POINTS: tuple[Point, ...] = ((204.0, 101.0), (246.5, 103.5), (224.0, 126.5), (204.0, 140.5), (243.5, 142.0))

SKINS: tuple[Colour, ...] = ((255, 224, 196), (241, 194, 155), (214, 158, 115), (163, 108, 72), (110, 70, 48))
HAIRS: tuple[Colour, ...] = ((38, 28, 26), (84, 52, 32), (150, 96, 50), (214, 170, 98), (170, 170, 176), (150, 58, 34))
IRISES: tuple[Colour, ...] = ((70, 108, 150), (86, 128, 88), (98, 66, 40), (60, 44, 34))
CLOTHES: tuple[Colour, ...] = ((52, 86, 120), (148, 62, 66), (70, 112, 88), (196, 152, 70), (92, 76, 122))
BACKGROUNDS: tuple[Colour, ...] = ((222, 230, 238), (238, 228, 214), (218, 232, 220), (232, 222, 234))
LIPS: Colour = (188, 84, 84)
WHITE: Colour = (252, 250, 247)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A picture of one face.

    Attributes:
        picture: RGB.
        points: left eye, right eye, nose tip, left and right mouth corner as seen in the picture, (x, y) in pixels.
        source: where the picture comes from.
    """

    picture: Image.Image
    points: tuple[Point, ...]
    source: str

    @property
    def region(self) -> str:
        """The points as Detect Faces takes them for `given region`."""
        return " ".join(f"{value:g}" for point in self.points for value in point)

    def save(self, file: Path) -> None:
        """Write the picture, and a JSON file with its points beside it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.picture.save(file)
        record = {"source": self.source, "points": self.points}
        file.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def astronaut() -> Portrait:
    """The photo of Eileen Collins that scikit-image carries (NASA, public domain)."""
    from skimage import data

    picture = Image.fromarray(data.astronaut())
    return Portrait(picture=picture, points=ASTRONAUT_POINTS, source="NASA, public domain, through scikit-image")


def drawing(seed: int) -> Portrait:
    """A drawn face; the same seed always gives the same one."""
    face = _Face(random.Random(seed))
    return Portrait(picture=face.draw(), points=face.points, source=f"drawn by tools/portraits.py, seed {seed}")


class _Face:
    """The choices of one drawn face and its geometry, in pixels of the finished picture."""

    def __init__(self, chance: random.Random) -> None:
        self.skin = chance.choice(SKINS)
        self.hair = chance.choice(HAIRS)
        self.iris = chance.choice(IRISES)
        self.cloth = chance.choice(CLOTHES)
        self.background = chance.choice(BACKGROUNDS)
        self.long_hair = chance.random() < 0.5
        self.beard = not self.long_hair and chance.random() < 0.5
        self.glasses = chance.random() < 0.3
        self.parting = chance.uniform(-0.5, 0.5)
        self.x = SIZE / 2 + chance.uniform(-12, 12)
        self.y = 236 + chance.uniform(-8, 8)
        self.half_width = chance.uniform(92, 108)
        self.half_height = chance.uniform(122, 136)
        self.eye_distance = self.half_width * chance.uniform(0.42, 0.48)
        self.eye_y = self.y - self.half_height * 0.06
        self.nose_y = self.y + self.half_height * chance.uniform(0.26, 0.32)
        self.mouth_y = self.y + self.half_height * chance.uniform(0.54, 0.6)
        self.mouth_half = self.half_width * chance.uniform(0.34, 0.42)
        self._image = Image.new("RGB", (SIZE * FINE, SIZE * FINE), self.background)
        self._pen = ImageDraw.Draw(self._image)

    @property
    def points(self) -> tuple[Point, ...]:
        """The five points of the drawn face."""
        left, right = self.x - self.eye_distance, self.x + self.eye_distance
        mouth_left, mouth_right = self.x - self.mouth_half, self.x + self.mouth_half
        eyes = ((left, self.eye_y), (right, self.eye_y))
        mouth = ((mouth_left, self.mouth_y), (mouth_right, self.mouth_y))
        return tuple((round(x, 1), round(y, 1)) for x, y in (*eyes, (self.x, self.nose_y), *mouth))

    def draw(self) -> Image.Image:
        """Paint from the back to the front."""
        self._glow((self.x, self.y), 260, _shade(self.background, 1.08), 60)
        self._back_hair()
        self._body()
        self._head()
        for side in (-1, 1):
            self._eye(self.x + side * self.eye_distance, side)
        self._nose()
        self._mouth()
        self._front_hair()
        if self.glasses:
            self._spectacles()
        return self._image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)

    def _ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        self._pen.ellipse([FINE * value for value in (x - rx, y - ry, x + rx, y + ry)], fill=colour)

    def _polygon(self, points: list[Point], colour: Colour) -> None:
        self._pen.polygon([(FINE * x, FINE * y) for x, y in points], fill=colour)

    def _curve(self, start: Point, middle: Point, end: Point, width: float, colour: Colour) -> None:
        """A stroke along a quadratic curve, round at both ends."""
        for step in range(61):
            t = step / 60
            x = (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * middle[0] + t**2 * end[0]
            y = (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * middle[1] + t**2 * end[1]
            self._ellipse(x, y, width / 2, width / 2, colour)

    def _glow(self, centre: Point, radius: float, colour: Colour, opacity: int, squeeze: float = 1.0) -> None:
        """A soft spot: light, shadow or blush."""
        mask = Image.new("L", (SIZE, SIZE))
        x, y, rx, ry = *centre, radius * 0.6, radius * 0.6 * squeeze
        ImageDraw.Draw(mask).ellipse((x - rx, y - ry, x + rx, y + ry), fill=opacity)
        mask = mask.filter(ImageFilter.GaussianBlur(radius * 0.25)).resize(self._image.size)
        self._image.paste(Image.new("RGB", self._image.size, colour), mask=mask)

    def _back_hair(self) -> None:
        width, height = self.half_width * 1.2, self.half_height * 1.12
        self._ellipse(self.x, self.y - 22, width, height * 0.96, self.hair)
        if self.long_hair:
            self._ellipse(self.x, self.y + 70, width * 1.08, height * 1.12, self.hair)

    def _body(self) -> None:
        shoulder = self.y + self.half_height + 62
        self._ellipse(self.x, shoulder + 150, 205, 165, self.cloth)
        self._glow((self.x - 90, shoulder + 90), 110, _shade(self.cloth, 1.25), 70)
        neck = self.half_width * 0.46
        collar = shoulder + 6
        self._ellipse(self.x, collar, neck * 1.5, 34, _shade(self.cloth, 0.8))
        self._ellipse(self.x, collar - 4, neck * 1.3, 28, _shade(self.skin, 0.93))
        top = self.y + self.half_height * 0.6
        corners = [(self.x - neck, top), (self.x + neck, top), (self.x + neck, collar), (self.x - neck, collar)]
        self._polygon(corners, _shade(self.skin, 0.93))
        self._glow((self.x, self.y + self.half_height + 8), 62, _shade(self.skin, 0.7), 150, 0.5)

    def _head(self) -> None:
        for side in (-1, 1):
            self._ellipse(self.x + side * self.half_width * 0.99, self.eye_y + 14, 15, 27, _shade(self.skin, 0.9))
        self._ellipse(self.x, self.y - 14, self.half_width, self.half_height - 14, self.skin)
        self._ellipse(self.x, self.y + 26, self.half_width * 0.86, self.half_height - 26, self.skin)
        if self.beard:
            self._beard()
        self._glow((self.x - 26, self.y - 62), 70, _shade(self.skin, 1.1), 110)
        for side in (-1, 1):
            blush = _mix(self.skin, (226, 96, 88), 0.45)
            self._glow((self.x + side * self.half_width * 0.58, self.nose_y + 6), 40, blush, 110)

    def _beard(self) -> None:
        shade = _mix(self.hair, self.skin, 0.15)
        centre = self.mouth_y - 10
        self._ellipse(self.x, centre + 12, self.half_width * 0.84, self.y + self.half_height - centre - 12, shade)
        self._ellipse(self.x, centre - 26, self.half_width * 0.74, 46, self.skin)

    def _eye(self, x: float, side: int) -> None:
        y = self.eye_y
        self._glow((x, y), 34, _shade(self.skin, 0.8), 90)
        self._ellipse(x, y, 18, 10.5, WHITE)
        self._ellipse(x, y, 9.5, 9.8, _shade(self.iris, 0.7))
        self._ellipse(x, y, 8, 8.4, self.iris)
        self._ellipse(x, y, 4, 4.2, (16, 14, 14))
        self._ellipse(x - 3, y - 3.2, 2.2, 2.2, WHITE)
        lash = _shade(self.skin, 0.32)
        self._curve((x - 19, y + 1), (x, y - 21), (x + 19, y + 1), 4.2, lash)
        self._curve((x - 16, y + 4), (x, y + 17), (x + 16, y + 4), 1.6, _shade(self.skin, 0.68))
        brow = _mix(self.hair, (40, 30, 26), 0.35)
        self._curve((x - side * 22, y - 27), (x + side * 2, y - 40), (x + side * 26, y - 25), 7, brow)

    def _nose(self) -> None:
        x, y = self.x, self.nose_y
        shadow = _shade(self.skin, 0.78)
        self._glow((x + 9, y - 24), 30, shadow, 80, 1.9)
        self._glow((x - 3, y - 8), 20, _shade(self.skin, 1.12), 150)
        self._curve((x - 14, y + 3), (x, y + 16), (x + 14, y + 3), 3.4, shadow)
        for side in (-1, 1):
            self._ellipse(x + side * 7, y + 7, 3.6, 2.2, _shade(self.skin, 0.55))

    def _mouth(self) -> None:
        x, y, half = self.x, self.mouth_y, self.mouth_half
        lip = _mix(LIPS, self.skin, 0.25)
        for height in range(9):
            self._curve((x - half, y), (x, y + 4 + 2.4 * height), (x + half, y), 4, lip)
        self._curve((x - half, y), (x - half * 0.4, y - 11), (x, y - 3), 4, _shade(lip, 0.88))
        self._curve((x, y - 3), (x + half * 0.4, y - 11), (x + half, y), 4, _shade(lip, 0.88))
        self._curve((x - half, y), (x, y + 7), (x + half, y), 2.6, _shade(lip, 0.5))

    def _front_hair(self) -> None:
        """A fringe: two locks that meet at the parting and frame the forehead."""
        top = self.y - self.half_height
        box = (self.x - self.half_width - 3, top - 3, self.x + self.half_width + 3, self.y + self.half_height - 30)
        self._pen.chord([FINE * value for value in box], 232, 308, fill=_shade(self.hair, 1.06))
        meet = (self.x + self.parting * self.half_width, top + 18)
        for side in (-1, 1):
            edge = self.x + side * self.half_width
            low = self.eye_y + (60 if self.long_hair else -22)
            reach = abs(edge - meet[0])
            for strand in range(26):
                t = strand / 25
                bend = (meet[0] + side * reach * (0.35 + 0.6 * t), top + 62 - 84 * t)
                end = (edge + side * 8 * t, low - 20 * (1 - t))
                self._curve(meet, bend, end, 13, _shade(self.hair, 0.92 + 0.16 * t))
        self._glow((self.x - 20, top + 4), 60, _shade(self.hair, 1.35), 70, 0.4)

    def _spectacles(self) -> None:
        frame = (46, 42, 44)
        for side in (-1, 1):
            x, y = self.x + side * self.eye_distance, self.eye_y
            box = [FINE * value for value in (x - 29, y - 22, x + 29, y + 24)]
            self._pen.rounded_rectangle(box, radius=FINE * 17, outline=frame, width=round(FINE * 3.4))
            outer = (self.x + side * self.half_width * 0.97, y - 4)
            self._curve((x + side * 28, y - 4), (x + side * 36, y - 6), outer, 3.4, frame)
        gap = self.eye_distance - 29
        self._curve((self.x - gap, self.eye_y), (self.x, self.eye_y - 9), (self.x + gap, self.eye_y), 3.4, frame)


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, round(value * factor)) for value in colour)
    return red, green, blue


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a * (1 - share) + b * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def write_all(folder: Path, drawings: int = 3) -> list[Path]:
    """Write the photo and some drawings; gives the picture files, the photo first."""
    portraits = {"astronaut": astronaut(), **{f"drawing-{seed}": drawing(seed) for seed in range(1, drawings + 1)}}
    files = [folder / f"{name}.png" for name in portraits]
    for file, portrait in zip(files, portraits.values(), strict=True):
        portrait.save(file)
    return files


if __name__ == "__main__":
    write_all(Path(sys.argv[1] if len(sys.argv) > 1 else "output/portraits"))
