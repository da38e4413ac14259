"""The gate: whether the nearest features of faces are of the same part."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.ablations import matching
from likeness.miniature.ablations.matching import Matches, match, new_pairs, passes
from likeness.miniature.world.people.identity import identities, numbers_of
from likeness.tests.miniature.ablations.small_questions import base as base
from likeness.tests.miniature.ablations.small_questions import paths as paths

COUNT = 6


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
