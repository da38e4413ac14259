"""The picture: boxes in people's colours, the best first."""

from __future__ import annotations

import numpy as np
from likeness.models.people.person import People
from likeness.models.records.legend import rgb_of
from likeness.models.similarity.likeness import Scorer
from likeness.models.similarity.sheet import STRANGER, likeness_sheet
from likeness.tests.models.similarity.small_judges import PICTURE, face, known, person

LEFT, RIGHT = (20, 30, 60, 80), (120, 30, 160, 80)
SCALE = 384 / 200


def sheet(people, *pictures):
    scorer = Scorer(People(tuple(people)), [known()])
    return likeness_sheet(scorer.scores([scorer.score(PICTURE, faces) for faces in pictures]))


def has_box(picture, box, colour):
    """Whether the left edge of a box has a colour."""
    x, y = round(box[0] * SCALE), round((box[1] + box[3]) / 2 * SCALE)
    near = (picture[y, x - 3 : x + 4] * 255).round().numpy()
    return bool((np.abs(near - colour).max(1) < 2).any())


def test_boxes_have_the_colour_of_whose_face_it_is():
    [drawn] = sheet([person("Ann", (1, 0)), person("Ben", (0, 1))], [face(0, 1, box=LEFT), face(0, 0, 1, box=RIGHT)])
    assert has_box(drawn, LEFT, rgb_of(1))
    assert has_box(drawn, RIGHT, STRANGER)
    assert not has_box(drawn, RIGHT, rgb_of(0))


def test_colours_are_those_of_the_places_in_the_chain():
    [drawn] = sheet([person("Zoe"), person("Ben", (0, 1))], [face(0, 1, box=LEFT)])
    assert has_box(drawn, LEFT, rgb_of(1))


def test_the_best_picture_comes_first_and_all_have_one_size():
    drawn = sheet([person("Ann", (1, 0))], [], [face(1, 0.5, box=RIGHT)], [face(1, 0, box=LEFT)])
    assert len(drawn) == 3
    assert has_box(drawn[0], LEFT, rgb_of(0))
    assert has_box(drawn[1], RIGHT, rgb_of(0))
    assert drawn.shape[2] == 384
    assert drawn.shape[1] > 192, "a legend below"


def test_faces_at_the_edges_are_drawn():
    drawn = sheet([person("Ann", (1, 0))], [face(1, 0, box=(0, 0, 200, 100)), face(1, 0, box=(199, 99, 200, 100))])
    assert drawn.shape[0] == 1
