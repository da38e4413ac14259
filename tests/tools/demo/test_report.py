"""What the demo says about its pictures, and the grid."""

from __future__ import annotations

import numpy as np
import torch
from likeness.miniature.world.people.identity import EYES, HAIR_COLOUR, SKIN, identities, numbers_of
from likeness.miniature.world.world import World
from likeness.models.images.contact_sheet import contact_sheet
from likeness.models.images.layout import arrays_from_images
from likeness.tests.miniature.observer import read_colours
from likeness.tests.miniature.verdicts import verdict_of
from likeness.tests.tools.demo.seen import FIRST, SECOND, Sees, greys
from likeness.tools.demo import report
from likeness.tools.demo.report import (
    TRUE,
    TRUE_PICTURES,
    Line,
    about_the_grid,
    save_grid,
    score,
    strangers,
    table,
    true_pictures,
)
from likeness.tools.demo.scene import ALONE, BLENDED, PLAIN, ROUTED
from PIL import Image


def test_strangers_are_none_of_the_two_and_unseen(scene):
    others = strangers(scene.codes)
    assert others.shape == (8, 7)
    assert len(others.unique(dim=0)) == 8
    assert torch.isin(numbers_of(others), identities("held out")).all()
    without = strangers(torch.stack((others[3], scene.codes[0])))
    assert torch.equal(without, torch.cat((others[:3], others[4:])))


def test_the_table_counts_what_the_judge_sees(scene):
    said = {
        1: [[], [FIRST]],
        2: [[FIRST], [[*FIRST[:SKIN], 0, *FIRST[SKIN + 1 :]]]],
        3: [[FIRST, FIRST], [SECOND, FIRST]],
        4: [[SECOND, FIRST], [FIRST, SECOND]],
    }
    judge = Sees(said, lambda pictures: [verdict_of(FIRST, SECOND)] * len(pictures))
    assert score(judge, scene, greys((1, 2, 3, 4))) == [
        Line("chance, one face", (1 / 6, 1 / 6, 1 / 4), None),
        Line(PLAIN.title, (0.25, 0.25, 0.25), (False, False)),
        Line(ALONE.title, (0.5, 1.0, 1.0), (True, True)),
        Line(BLENDED.title, (0.75, 0.75, 0.75), (False, True)),
        Line(ROUTED.title, (1.0, 1.0, 1.0), (True, True)),
        # one of them has the first one's hair colour
        Line("the same, against two strangers", (0.0, 0.5, 0.0), (False, False)),
        Line(TRUE, (1.0, 1.0, 1.0), (True,) * TRUE_PICTURES),
    ]


def test_true_pictures_show_the_two_people(scene, monkeypatch):
    monkeypatch.setattr(report, "TRUE_PICTURES", 4)

    def observe(pictures):
        world = World(seed=report.WORLD_SEED, split="held out", with_regions=True)
        true = world.scenes(range(4), people=(2, 2), codes=scene.codes.expand(4, -1, -1))
        assert torch.equal(true.image, pictures)
        seen = scene.codes.expand(4, -1, -1).clone()
        seen[..., [SKIN, HAIR_COLOUR, EYES]] = read_colours(true)
        return [verdict_of(*people) for people in seen.tolist()]

    judge = Sees({grey: [[], []] for grey in range(4)}, observe)
    *_, last = score(judge, scene, greys(range(4)))
    assert last == Line(TRUE, (1.0, 1.0, 1.0), (True,) * 4)


def test_the_table_is_aligned_and_says_how_many_pictures_it_counts():
    lines = [
        Line("chance", (0.125, 0.25, 0.5), None),
        Line("the same, against two strangers", (1, 0, 0.5), (True, True, False, True)),
    ]
    head, chance, same, note = table(lines, 6).splitlines()
    assert head.split("  ")[-1].strip() == "recognised"
    assert [head.index(name) + len(name) for name in ("skin", "hair colour", "eyes", "recognised")] == [47, 60, 73, 86]
    assert [float(chance[end - 13 : end]) for end in (47, 60, 73)] == [0.12, 0.25, 0.5]
    assert len(chance) == 73
    assert [float(same[end - 13 : end]) for end in (47, 60, 73, 86)] == [1, 0, 0.5, 0.75]
    assert "6 pictures a line" in note


def test_a_line_says_in_which_pictures_both_are_found():
    lines = [Line("chance", (0.5,), None), Line(ROUTED.title, (0.5,), (False, True, False, True))]
    said = about_the_grid(lines)
    assert "The 4 pictures" in said
    assert "In 2 of them the judge picks both people out (2, 4);" in said
    nobody = about_the_grid([Line(ROUTED.title, (0.0,), (False, False))])
    assert "In 0 of them the judge picks both people out;" in nobody


def test_the_grid_shows_everything_with_its_caption(scene, monkeypatch, tmp_path):
    shown = []

    def watched(pictures, captions, *, columns):
        shown.extend(zip(captions, pictures, strict=True))
        return contact_sheet(pictures, captions, columns=columns)

    monkeypatch.setattr(report, "contact_sheet", watched)
    pictures = greys((10, 20, 30, 40))
    pictures[ROUTED][1] = 50 / 255
    path = tmp_path / "output" / "demo.png"
    maps = torch.tensor([60, 70])[:, None, None, None].expand(2, 9, 8, 3) / 255
    save_grid(path, scene, pictures, maps)
    captions = ["reference: person 1", "reference: person 2", TRUE, *(arm.title for arm in (PLAIN, ALONE, BLENDED))]
    captions += ["with the router, picture 1", "routing map of picture 1"]
    captions += ["with the router, picture 2", "routing map of picture 2"]
    assert [caption for caption, _ in shown] == captions
    assert [picture[0, 0, 0] for _, picture in shown[3:]] == [10, 20, 30, 40, 60, 50, 70]
    assert all(np.array_equal(shown[place][1], scene.references[place]) for place in (0, 1))
    true = arrays_from_images(true_pictures(scene.codes, 1).permute(0, 2, 3, 1))[0]
    assert np.array_equal(shown[2][1], true)
    with Image.open(path) as grid:
        assert grid.size == contact_sheet([scene.references[0]] * 10, captions, columns=5).shape[1::-1]
