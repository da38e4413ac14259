"""Sockets of different types are told apart by colours that can be seen on dark and on light nodes."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLOURS = dict(
    re.findall(
        r'^  (LIKENESS_[A-Z_]+): "(#[0-9a-f]{6})",$', (ROOT / "web" / "js" / "sockets.js").read_text("utf-8"), re.M
    )
)
# Nodes on the canvas and in Nodes 2.0, and the canvas behind links: of the dark palette, then of the light one.
GROUNDS = ("#353535", "#262729", "#141414", "#ffffff", "#f9f9f9")
LEAST_CONTRAST = 3.0  # WCAG 2.1, 1.4.11: graphical objects
LEAST_APART = 0.04  # in OKLab: about twice what is seen as different side by side


def linear(colour: str) -> list[float]:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.1, from 1 to 21."""
    bright, dark = sorted(
        (
            sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear(each), strict=True))
            for each in (one, other)
        ),
        reverse=True,
    )
    return (bright + 0.05) / (dark + 0.05)


def oklab(colour: str) -> tuple[float, float, float]:
    """Björn Ottosson's OKLab of an sRGB colour."""
    red, green, blue = linear(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def test_every_type_of_a_socket_has_a_colour_and_no_other():
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "nodes").rglob("*.py"))
    assert sorted(COLOURS) == sorted(set(re.findall(r'"(LIKENESS_[A-Z_]+)"', sources)))


@pytest.mark.parametrize("ground", GROUNDS)
def test_colours_are_seen_on_every_ground(ground):
    assert {name: ratio for name, each in COLOURS.items() if (ratio := contrast(each, ground)) < LEAST_CONTRAST} == {}


def test_no_two_colours_are_taken_for_each_other():
    near = []
    for (one, first), (other, second) in itertools.combinations(COLOURS.items(), 2):
        if sum((a - b) ** 2 for a, b in zip(oklab(first), oklab(second), strict=True)) ** 0.5 < LEAST_APART:
            near.append((one, other))
    assert near == []


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
