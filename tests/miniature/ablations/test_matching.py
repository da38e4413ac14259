"""What OmniPortrait's experiments measure without drawing: the gate, face sizes, masks of nouns, and where heads are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations import face_sizes, heads, matching, noun_masks
from likeness.miniature.ablations.heads import Beside, Previews, true_heads, widened
from likeness.miniature.ablations.matching import Matches, match, new_pairs, passes
from likeness.miniature.ablations.questions import new_questions, true_scenes
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.miniature.world.people.identity import identities, numbers_of
from likeness.models.face.types import Detection
from likeness.models.miniature.finder import FaceFinder
from likeness.models.omniportrait.face_masks import FaceMasks
from likeness.models.omniportrait.guided_person import GuidedPerson
from likeness.models.port.guidance import GuidedStep
from likeness.models.port.word_attention import Projected, WordAttention
from likeness.tests.miniature.small_files import write_files

COUNT = 6


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def base(paths):
    return read_base(paths["base"])


@pytest.fixture(scope="module")
def questions(paths):
    _, faces = read_faces(paths["faces"])
    return new_questions(faces, count=COUNT, people=1, channels=4)


@pytest.fixture(scope="module")
def true_masks():
    return true_heads(true_scenes(COUNT))[:, 0]


@pytest.fixture(scope="module")
def pairs():
    return new_pairs(COUNT)


def places_on_faces(scene, side):
    """What every position of a grid is of the face, in units of the face: x, y, (P, 2, side, side)."""
    pose = scene.plan.pose
    row = (torch.arange(side) + 0.5) / side
    y, x = torch.meshgrid(row, row, indexing="ij")
    across, down = (each[None] - middle[:, :1, None] for each, middle in ((x, pose.x), (y, pose.y)))
    cos, sin = pose.turn.cos()[:, :1, None], pose.turn.sin()[:, :1, None]
    places = torch.stack((across * cos + down * sin, down * cos - across * sin), 1)
    return (places / pose.scale[:, :1, None, None]).float()


def test_pairs_show_the_same_unseen_people_in_other_places(pairs):
    assert torch.equal(pairs.scenes.codes, pairs.others.codes)
    assert torch.equal(pairs.scenes.codes, pairs.portraits.codes)
    assert torch.isin(numbers_of(pairs.scenes.codes), identities("held out")).all()
    assert (pairs.scenes.points - pairs.others.points).abs().mean() > 3


@pytest.mark.parametrize("know", ["everything", "all but the side", "nothing"])
def test_matches_are_right_as_far_as_features_know_the_parts_of_a_face(base, monkeypatch, know):
    def planted(base, scene, captions, block, sigma, *, place):
        known = places_on_faces(scene, 16)
        if know == "nothing":
            return torch.randn(known.shape, generator=torch.Generator().manual_seed(place))
        return known if know == "everything" else torch.cat((known[:, :1].abs(), known[:, 1:]), 1)

    monkeypatch.setattr(matching, "_features", planted)
    found = match(base, new_pairs(40), 1, 1.0)
    assert 0.05 < found.chance < 0.35
    if know == "nothing":
        assert found.portraits < found.chance + 0.15
        assert found.scenes < found.chance + 0.15
    else:
        assert found.portraits > 0.85
        assert found.scenes > 0.9
        assert (found.same_side > 0.85) == (know == "everything")
        assert found.same_side <= found.portraits


def test_features_of_the_gate_are_of_noised_pictures_and_the_same_for_the_same_pairs(base, pairs):
    first, same = (match(base, pairs, 1, sigma) for sigma in (0.5, 0.5))
    assert first == same
    assert first != replace(match(base, pairs, 2, 0.5), block=1)
    assert first != replace(match(base, pairs, 1, 5.0), sigma=0.5)


@pytest.mark.parametrize(("share", "is_open"), [(0.59, False), (0.61, True)])
def test_the_gate_asks_the_matches_that_guidance_uses(share, is_open):
    used = Matches(matching.BLOCK, matching.REFERENCE_SIGMA, share, 0.0, 1.0, 0.1)
    others = [replace(used, block=1, portraits=1.0), replace(used, sigma=9.0, portraits=0.0)]
    assert passes([*others, used]) == is_open


def test_a_face_of_half_the_size_stands_in_the_middle(questions):
    whole = face_sizes.Sized(questions.references[:, 0], questions.heads[:, 0])
    half = whole.smaller
    assert half.pictures.shape == whole.pictures.shape
    torch.testing.assert_close(4 * half.heads.sum((1, 2)), whole.heads.sum((1, 2)), rtol=0.02, atol=0)
    torch.testing.assert_close(half.pictures[..., 32:96, 32:96].mean(), whole.pictures.mean(), rtol=0.02, atol=0)
    assert not half.heads[:, :31].any()


def test_a_smaller_portrait_changes_the_pull_of_sums_and_not_of_means(base, questions, true_masks, monkeypatch):
    monkeypatch.setattr(face_sizes, "BLOCK", 1)
    monkeypatch.setattr(face_sizes, "ROWS", 4)
    values = face_sizes.measure(base, questions, true_masks)
    for name in ("mean", "sum"):
        assert all(len(values[name][metric]) == COUNT for metric in face_sizes.METRICS)
    mean, total = (np.array(values[name][face_sizes.REFERENCE]) for name in ("mean", "sum"))
    assert mean.mean() < 0.5
    assert total.mean() == pytest.approx(2, abs=0.5)  # a quarter of the points, four times the pull


def test_masks_of_nouns_are_compared_with_heads(base, questions, true_masks, monkeypatch):
    """Where the attention is the head itself and nothing spreads, a threshold finds it exactly."""
    monkeypatch.setattr(noun_masks, "ROWS", 4)
    cells = torch.nn.functional.avg_pool2d(true_masks, 8)

    def planted(base, questions, rows, sigma):
        inside = (cells[rows] >= 0.5).float()
        spots = 100 * torch.eye(256).expand(len(inside), -1, -1)
        return WordAttention({0: inside}, (Projected(spots, spots, 1),), (16, 16))

    monkeypatch.setattr(noun_masks, "_attention", planted)
    values = noun_masks.measure(base, questions, true_masks)
    for metric in noun_masks.METRICS:
        assert values[noun_masks.RAW][metric] == [1.0] * COUNT
        assert values[noun_masks.REFINED][metric] == [1.0] * COUNT
        assert all(0.3 < overlap < 1 for overlap in values[noun_masks.CLEANED][metric])  # it is wider


def test_masks_of_nouns_are_read_from_the_base_at_every_noise_level(base, questions, true_masks):
    values = noun_masks.measure(base, questions, true_masks)
    assert set(values) == set(noun_masks.WAYS)
    overlaps = [values[noun_masks.RAW][metric] for metric in noun_masks.METRICS]
    assert all(0 <= overlap <= 1 for each in overlaps for overlap in each)
    assert len({tuple(each) for each in overlaps}) == len(noun_masks.SIGMAS)


def test_previews_show_heads_around_faces(base, monkeypatch):
    seen = []

    def find(finder, picture, score):
        seen.append(picture.shape)
        return [Detection(np.array([20, 40, 60, 80], np.float32), np.zeros((5, 2), np.float32), 0.9)]

    monkeypatch.setattr(heads, "find_faces", find)
    [boxes, _] = Previews(base, FaceFinder(), 0.25)(torch.randn(2, 4, 16, 16))
    assert seen == [(128, 128, 3)] * 2
    torch.testing.assert_close(boxes * 128, torch.tensor([[10.0, 30.0, 70.0, 90.0]]))


def test_no_face_gives_no_box(base, monkeypatch):
    monkeypatch.setattr(heads, "find_faces", lambda finder, picture, score: [])
    assert [boxes.shape for boxes in Previews(base, FaceFinder())(torch.randn(2, 4, 16, 16))] == [(0, 4)] * 2


def test_boxes_grow_by_a_share_of_their_size():
    torch.testing.assert_close(widened(torch.tensor([[0.2, 0.2, 0.4, 0.6]]), 0.5), torch.tensor([[0.1, 0.0, 0.5, 0.8]]))


def test_beside_the_head_is_half_a_picture_farther():
    faces = FaceMasks(lambda latents: [torch.tensor([[0.0, 0.0, 0.5, 1.0]])])
    step = GuidedStep(features=torch.zeros(1, 2, 8, 8), size=(8, 8), sigma=1.0, denoised=torch.zeros(1, 4, 8, 8))
    people = (GuidedPerson(name="Ann"),)
    right = faces.find(people, step)
    wrong = Beside(faces).find(people, step)
    assert right[..., :4].any()
    assert not right[..., 4:].any()
    assert not wrong[..., :4].any()
    assert torch.equal(wrong[..., 4:], right[..., :4])
