"""The report of how strong the guidance should be."""

from __future__ import annotations

import pytest

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.ablations.guided_ladders import ladders
from likeness.miniature.ablations.guiding import Guiding
from likeness.miniature.ablations.ladder_report import gains, write_ladder_report
from likeness.tests.miniature.ablations.hung_gallery import hang
from PIL import Image

LADDERS = ladders(object(), Guiding())
OWN = [ladder for ladder in LADDERS if ladder.scale == 2]
FIRST = OWN[0]
MEANS = {
    FIRST.unguided: 0.3,
    FIRST.arms[0].name: 0.3,
    FIRST.arms[1].name: 0.6,
    FIRST.arms[2].name: 0.9,
    FIRST.arms[3].name: 0.1,
}


@pytest.fixture(scope="module")
def galleries():
    return {
        scale: hang(
            [
                name
                for each in LADDERS
                if each.scale == scale
                for name in (each.unguided, *(arm.name for arm in each.arms))
            ],
            MEANS if scale == 2 else {},
        )
        for scale in (2.0, 7.5)
    }


@pytest.fixture(scope="module")
def written(galleries, tmp_path_factory):
    return write_ladder_report(tmp_path_factory.mktemp("report"), galleries, LADDERS)


def section_of(text, title):
    return text[text.index(f"## {title}\n") :].split("\n## ")[0]


def test_every_strength_has_a_row_with_its_gain(written):
    text = written.read_text("utf-8")
    for ladder in LADDERS:
        rows = [line for line in section_of(text, ladder.name).splitlines() if line.startswith("| ")]
        assert [row.split(" | ")[0][2:] for row in rows] == [
            "strength",
            ladder.unguided,
            *(a.name for a in ladder.arms),
        ]
        assert all(row.count(" [") == 8 for row in rows[2:])


def test_gains_are_paired_differences_from_the_unguided_pictures(galleries):
    found = gains(galleries[2.0].values, FIRST, "identity")
    assert found[FIRST.arms[1].name].mean == pytest.approx(0.3, abs=0.02)
    assert found[FIRST.arms[3].name].high < 0


def test_it_says_which_strength_is_seen_first_which_is_best_and_which_costs_nothing(written):
    lines = section_of(written.read_text("utf-8"), FIRST.name)
    assert f"- Weakest whose gain is off 0: {FIRST.arms[1].name}." in lines
    assert f"- Most identity: {FIRST.arms[2].name}, 0." in lines
    free = lines.split("with its interval: ")[1].splitlines()[0]
    assert free == f"{FIRST.arms[2].name}."  # the next one fell; those after it do not count


def test_a_strip_shows_the_unguided_pictures_and_every_strength(written):
    for ladder in LADDERS:
        files = [
            line for line in section_of(written.read_text("utf-8"), ladder.name).splitlines() if line.startswith("![")
        ]
        [file] = files
        with Image.open(written.parent / file.split("](")[1].rstrip(")")) as strip:
            assert strip.height == (2 + len(ladder.arms)) * 128
