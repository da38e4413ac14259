"""People in training: their tokens with parts of the features left out, and nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.tests.training.small_world import NO_DROPS, nobody, small_batch, stage_one
from likeness.training.batches.draws import Draws
from likeness.training.uniportrait.people import Dropping, drop_faces, identity_tokens


def tokens_of(method, batch, dropping, dropped=None, seed=0):
    dropped = torch.zeros(len(batch.positions), dtype=torch.bool) if dropped is None else dropped
    draws = Draws(seed, batch.positions)
    return identity_tokens(method.id_embedding, batch, nobody(), dropped, draws, dropping)


def test_without_dropping_the_tokens_are_those_of_inference():
    method, batch = stage_one(), small_batch()
    expected = method.id_embedding(batch.intrinsic[:, 0], batch.structure[:, 0], 1.0)
    torch.testing.assert_close(tokens_of(method, batch, Dropping(token=0, path=0, face=0))[:, 0], expected)


def test_dropped_paths_leave_the_structure_out_and_enlarge_the_rest():
    method, batch = stage_one(), small_batch(rows=64, contents=[0] * 64)
    tokens = tokens_of(method, batch, Dropping(token=0, path=0.5, face=0))[:, 0]
    intrinsic, structure = batch.intrinsic[:1, 0], batch.structure[:1, 0]
    possible = [
        method.id_embedding(intrinsic, structure, torch.tensor([[first], [second]]))[0]
        for first in (0.0, 2.0)
        for second in (0.0, 2.0)
    ]
    seen = [next(n for n, one in enumerate(possible) if torch.allclose(one, row, atol=1e-5)) for row in tokens]
    assert set(seen) == {0, 1, 2, 3}


def test_dropped_tokens_are_not_read():
    method, batch = stage_one(), small_batch(rows=1)
    draws = Draws(0, batch.positions).uniform("drop token", (1, 5))[0, 0]
    expected = method.id_embedding(batch.intrinsic[:, 0], batch.structure[:, 0][:, draws >= 0.5], 1.0)
    got = tokens_of(method, batch, Dropping(token=0.5, path=0, face=0))[:, 0]
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


def test_a_picture_without_its_face_shows_nobody():
    method, batch = stage_one(), small_batch()
    null = nobody()
    expected = method.id_embedding(null.intrinsic, null.structure, 1.0)
    tokens = tokens_of(method, batch, Dropping(token=0, path=0, face=0), torch.tensor([True, False]))
    torch.testing.assert_close(tokens[0], expected)
    assert not torch.allclose(tokens[1], expected[0], atol=1e-3)


def test_faces_are_dropped_as_often_as_asked():
    batch = small_batch(rows=1)
    for probability, low, high in ((0.0, 0, 0), (0.25, 200, 300), (1.0, 1000, 1000)):
        draws = Draws(0, tuple(range(1000)))
        assert low <= int(drop_faces(batch, draws, probability).sum()) <= high


def test_those_who_are_absent_are_nobody():
    method, batch = stage_one(), small_batch(people=2)
    absent = replace(batch, present=torch.tensor([[True, False], [True, True]]))
    tokens, null = tokens_of(method, absent, NO_DROPS), nobody()
    torch.testing.assert_close(tokens[0, 1:], method.id_embedding(null.intrinsic, null.structure, 1.0))
    torch.testing.assert_close(tokens[1], tokens_of(method, batch, NO_DROPS)[1])
