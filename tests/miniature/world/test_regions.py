"""Regions are numbered as the trainer reads them."""

from __future__ import annotations

import re
from pathlib import Path

from likeness.miniature.world.regions import FACE_REGIONS, PAIRED, Region
from likeness.training.omniportrait.pictures import FACE

DOCS = Path(__file__).resolve().parents[3] / "docs" / "training.md"


def test_numbers_are_those_that_the_manual_gives_for_parsing_maps():
    [row] = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| `parse` |")]
    said = dict(re.findall(r"(\d+) ([a-z ]+)(?=[,|]| \|)", row))
    told = {int(number): name.strip().replace(" ", "_") for number, name in said.items()}
    assert told.pop(0) == "background"
    assert told == {region: region.name.lower() for region in Region if region is not Region.OTHER}


def test_the_other_side_of_a_pair_has_the_next_number():
    for region in PAIRED:
        assert Region(region + 1).name == region.name.replace("LEFT", "RIGHT") != region.name


def test_a_face_ends_where_the_trainer_says_it_does():
    assert FACE_REGIONS == FACE
