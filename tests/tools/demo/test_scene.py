"""Whom the demo draws, and in which words it asks for them."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.world.captions import vocabulary
from likeness.miniature.world.people.identity import EYES, HAIR_COLOUR, NOUNS, SKIN, identities, numbers_of
from likeness.models.clip import text_ids
from likeness.models.errors import NoFaceFoundError
from likeness.tests.tools.demo.seen import FIRST, SECOND, Sees
from likeness.tools.demo.scene import SIZE, read_people, sentences
from PIL import Image


def test_the_people_are_ones_whom_no_network_has_seen_and_differ_in_all_that_is_scored(scene):
    assert torch.isin(numbers_of(scene.codes), identities("held out")).all()
    first, second = scene.codes
    assert (first != second)[[SKIN, HAIR_COLOUR, EYES]].all()
    assert [reference.shape for reference in scene.references] == [(SIZE, SIZE, 3)] * 2


def test_sentences_name_the_people_in_words_of_the_world(scene):
    known = set(text_ids(vocabulary()))
    for first, one in enumerate(NOUNS):
        for second, other in enumerate(NOUNS):
            about_one, about_both = sentences(torch.tensor([[first, *FIRST[1:]], [second, *SECOND[1:]]]), None)
            assert about_one.startswith(f"a {one} ")
            assert about_both.index(f"a {one} ") < about_both.index(f" a {other} ")
            assert set(text_ids(about_one)) | set(text_ids(about_both)) <= known


def test_a_prompt_of_the_users_stands_for_the_sentence_about_both(scene):
    assert sentences(scene.codes, "a girl and a boy") == (scene.one, "a girl and a boy")


@pytest.fixture
def photos(tmp_path):
    files = [tmp_path / f"photo-{number}.png" for number in (1, 2)]
    for number, file in enumerate(files, 1):
        Image.new("RGBA", (40, 30), (number,) * 4).save(file)
    return files


def test_whom_the_judge_sees_in_photos_is_drawn(photos):
    (first, second), codes = read_people(photos, Sees({1: [[SECOND]], 2: [[FIRST, SECOND]]}))
    assert codes.tolist() == [SECOND, FIRST]
    assert first.shape == second.shape == (30, 40, 3)
    assert (first.max(), second.min()) == (1, 2)


def test_a_photo_without_a_drawn_face_is_refused_in_one_sentence(photos):
    with pytest.raises(NoFaceFoundError, match=r"No drawn face .* photo-2\.png; .* workflows/portraits\.$") as error:
        read_people(photos, Sees({1: [[FIRST]], 2: [[]]}))
    assert "\n" not in str(error.value)
