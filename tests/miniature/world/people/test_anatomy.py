"""Measures of faces: one row per value, and features where face alignment wants them."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.world.people.anatomy import (
    EYE_X,
    EYE_Y,
    HAIRS,
    HEADS,
    MOLES,
    MOUTH_Y,
    MOUTHS,
    NOSE_Y,
    Table,
)
from likeness.miniature.world.people.identity import ATTRIBUTES, FACE, HAIR, MOLE, MOUTH
from likeness.models.face.alignment import similarity_matrix, template


def test_a_table_gives_everybody_their_own_measures():
    table = Table(("width", "height"), ((1.0, 2.0), (3.0, 4.0)))
    measures = table.of(torch.tensor([[1, 0], [1, 1]]))
    assert measures["width"].tolist() == [[3, 1], [3, 3]]
    assert measures["height"].tolist() == [[4, 2], [4, 4]]


@pytest.mark.parametrize(
    ("table", "attribute"),
    [(HEADS, FACE), (HAIRS, HAIR), (MOUTHS, MOUTH), (MOLES, MOLE)],
    ids=lambda each: str(each)[:9],
)
def test_every_value_has_its_own_measures(table, attribute):
    assert len(set(table.rows)) == len(table.rows) == len(ATTRIBUTES[attribute].values)
    assert {len(row) for row in table.rows} == {len(table.columns)}


@pytest.mark.parametrize("mouth", range(len(MOUTHS.rows)))
def test_features_stand_as_in_the_template_of_face_alignment(mouth):
    """Aligned by a face's five points, none lies farther than a twentieth of the crop from where encoders expect it."""
    corner = MOUTHS.rows[mouth][MOUTHS.columns.index("width")]
    points = torch.tensor(
        [(-EYE_X, EYE_Y), (EYE_X, EYE_Y), (0, NOSE_Y), (-corner, MOUTH_Y), (corner, MOUTH_Y)], dtype=torch.float64
    ).numpy()
    matrix = similarity_matrix(points, 112)
    aligned = points @ matrix[:, :2].T + matrix[:, 2]
    assert abs(aligned - template(112)).max() < 112 / 20
