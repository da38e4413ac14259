"""People at their faces: who is who, how often is looked, and the region around a face."""

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.placement.faces import FaceLook, SeenFaces, assign, head_and_shoulders
from likeness.models.placement.found import INSIDE

LEFT, RIGHT, SMALL = [0.1, 0.2, 0.3, 0.5], [0.6, 0.2, 0.85, 0.5], [0.4, 0.1, 0.45, 0.15]


def faces(*boxes, likeness=None):
    return SeenFaces(torch.tensor(boxes).reshape(-1, 4), None if likeness is None else torch.tensor(likeness))


def test_the_largest_faces_from_left_to_right_are_the_people_in_order():
    assert assign(faces(SMALL, RIGHT, LEFT), 2, "left to right") == {0: 2, 1: 1}
    assert assign(faces(RIGHT), 2, "left to right") == {}


def test_likeness_gives_every_face_to_one_person():
    alike = [[0.9, 0.8, 0.0], [0.8, 0.1, 0.0]]  # both are most like the first, together the second is better
    assert assign(faces(LEFT, RIGHT, SMALL, likeness=alike), 2, "most alike") == {0: 1, 1: 0}
    assert assign(faces(LEFT, likeness=[[0.1], [0.7]]), 2, "most alike") == {1: 0}
    assert assign(SeenFaces(torch.zeros(0, 4), torch.zeros(2, 0)), 2, "most alike") == {}
    with pytest.raises(InvalidSettingError, match="left to right"):
        assign(faces(LEFT), 1, "most alike")


def look(*answers, every=1, order="left to right"):
    """A look that sees one answer after another, the last for ever."""
    shown = []

    def find(latents):
        shown.append(latents)
        return [answers[min(len(shown), len(answers)) - 1]] * len(latents)

    return FaceLook(find=find, places=(0, 2), every=every, order=order), shown


def test_every_kth_noise_level_is_looked_at_and_each_once():
    eye, shown = look(faces(LEFT, RIGHT), every=3)
    memory = {}
    looked = [eye.take(memory, sigma, torch.zeros(1, 4, 16, 16)) for sigma in (9.0, 9.0, 8.0, 7.0, 6.0)]
    assert looked == [True, False, False, False, True]
    assert len(shown) == 2


def test_people_stay_where_they_were_while_too_few_faces_are_seen():
    eye, _ = look(faces(LEFT), faces(LEFT, RIGHT), faces(RIGHT))
    memory = {}
    assert eye.regions(memory, 9.0) is None
    found = []
    for sigma in (9.0, 8.0, 7.0):
        eye.take(memory, sigma, torch.zeros(2, 4, 16, 16))
        found.append(eye.regions(memory, sigma))
    assert found[0].found.tolist() == [[False] * 3] * 2
    assert found[1].found.tolist() == [[True, False, True]] * 2
    assert torch.equal(found[2].scores, found[1].scores)
    ann, ben = found[1].scores[0, 0] > INSIDE, found[1].scores[0, 2] > INSIDE
    assert ann[5, 3]
    assert ben[5, 11]
    assert not (ann & ben)[5].any()


def test_somebody_found_by_likeness_moves_and_the_other_stays():
    eye, _ = look(
        faces(LEFT, RIGHT, likeness=[[0.9, 0.1], [0.1, 0.9]]), faces(SMALL, likeness=[[0.1], [0.9]]), order="most alike"
    )
    memory = {}
    eye.take(memory, 9.0, torch.zeros(1, 4, 16, 16))
    before = eye.regions(memory, 9.0)
    eye.take(memory, 8.0, torch.zeros(1, 4, 16, 16))
    after = eye.regions(memory, 8.0)
    assert torch.equal(after.scores[0, 0], before.scores[0, 0])
    assert not torch.equal(after.scores[0, 2], before.scores[0, 2])


def test_a_region_is_the_head_and_wider_shoulders_below_and_falls_with_the_distance():
    scores = head_and_shoulders(torch.tensor([0.4, 0.2, 0.6, 0.4]), (100, 100))
    inside = scores > INSIDE
    assert inside[30, 50]
    assert inside[20:40, 40:60].all()
    assert inside[55].sum() > inside[30].sum() > 20
    assert not inside[:8].any()
    assert not inside[80:].any()
    across = scores[30, 50:]
    assert (across[1:] <= across[:-1] + 1e-6).all()


def test_a_look_never_is_refused():
    with pytest.raises(InvalidSettingError, match="look_every is 0"):
        FaceLook(find=lambda latents: [], places=(0,), every=0)
