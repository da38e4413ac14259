"""What the judge's readers are taught."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.judge.readers import PERSON, new_person_reader, new_styled_backdrop_reader
from likeness.miniature.recipe.steps import readers
from likeness.miniature.recipe.steps.readers import (
    draw_styles,
    names_of,
    person_answers,
    train_person_reader,
    train_styled_backdrop_reader,
)
from likeness.miniature.world.people.identity import ATTRIBUTES
from likeness.miniature.world.styles import STYLES
from likeness.miniature.world.world import World
from likeness.tests.miniature.small_recipe import FEW_STEPS
from likeness.training.batches.draws import Draws

WORLD = World(seed=4)


@pytest.fixture(scope="module")
def scene():
    return WORLD.scenes(range(8), people=(1, 3))


def test_the_judge_is_taught_what_is_true_of_everybody_who_is_there(scene):
    answers = person_answers(scene)
    people = list(zip(*scene.present.nonzero(as_tuple=True), strict=True))
    assert answers.keys() == PERSON.keys()
    for place, attribute in enumerate(ATTRIBUTES):
        assert answers[attribute.name].tolist() == [
            int(scene.codes[picture, person, place]) for picture, person in people
        ]
    for name in ("clothing", "accessory"):
        assert answers[name].tolist() == [int(getattr(scene.facts, name)[place]) for place in people]


def test_readers_may_be_taught_in_all_styles(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(readers, "restyle", lambda pictures, styles: drawn.append(styles) or pictures)
    train_styled_backdrop_reader(new_styled_backdrop_reader(), FEW_STEPS, tmp_path / "backdrops")
    assert {len(styles) for styles in drawn} == {FEW_STEPS.batch}
    before = len(drawn)
    train_person_reader(new_person_reader(), FEW_STEPS, tmp_path / "styled", is_styled=True)
    assert len(drawn) > before
    after = len(drawn)
    train_person_reader(new_person_reader(), FEW_STEPS, tmp_path / "flat")
    assert len(drawn) == after


def test_styles_are_drawn_by_row():
    styles = draw_styles(Draws(1, tuple(range(60))))
    assert set(names_of(styles)) == set(STYLES)
    assert torch.equal(styles[5:7], draw_styles(Draws(1, (5, 6))))
