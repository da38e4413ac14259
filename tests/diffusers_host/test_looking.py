"""Looks for people while pictures are drawn on diffusers."""

from __future__ import annotations

import pytest
import torch
from likeness.diffusers_host.looking import Looks
from likeness.miniature.studio.drawing import Settings, draw_latents
from likeness.models.placement.faces import FaceLook, SeenFaces
from likeness.models.placement.found import Found
from likeness.models.placement.words import WordLook
from likeness.models.port.attention import Run
from likeness.tests.diffusers_host.small_drawing import SIDE
from likeness.tests.diffusers_host.small_drawing import base as base

PROMPTS = ["a man and a woman", "a boy and a girl"]
ROWS = torch.tensor([[[2, 3], [5, -1]], [[2, -1], [5, 6]]])


def draw(base, looks, run, residual=None, steps=3):
    noise = torch.randn(2, 4, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return draw_latents(base, PROMPTS, noise, Settings(steps=steps), residual=residual, run=run, looks=looks)


@pytest.fixture
def taken(monkeypatch):
    """Everything that looks at words were shown."""
    calls, take = [], WordLook.take
    monkeypatch.setattr(WordLook, "take", lambda self, memory, seen: calls.append(seen) or take(self, memory, seen))
    return calls


def test_the_positive_rows_of_both_pictures_are_read_at_every_step_and_nothing_changes(base, taken):
    plain = draw(base, Looks(), Run())
    assert torch.equal(draw(base, Looks(words=WordLook(), rows=ROWS), Run()), plain)
    assert [seen.samples for seen in taken] == [(0, 1)] * 3
    assert len({seen.sigma for seen in taken}) == 3
    columns = taken[0].attention.columns
    assert set(columns) == {0, 1}
    assert columns[0].shape == (2, SIDE, SIDE)


def test_several_rows_of_a_person_add_up(base, taken):
    for rows in (ROWS, ROWS[..., :1], ROWS[..., 1:]):
        draw(base, Looks(words=WordLook(), rows=rows), Run(), steps=1)
    both, first, second = (seen.attention.columns[0][0] for seen in taken)
    torch.testing.assert_close(both, first + second)
    both, first, second = (seen.attention.columns[1][0] for seen in taken)
    torch.testing.assert_close(both, first)
    assert not second.any()


def test_faces_are_looked_for_in_latents_as_the_vae_takes_them_and_place_people(base):
    shown = []

    def find(latents):
        shown.append(latents)
        return [SeenFaces(torch.tensor([[0.0, 0.2, 0.3, 0.6], [0.6, 0.2, 0.9, 0.6]]))] * len(latents)

    look, run, placed = FaceLook(find=find, places=(0, 1), every=2), Run(), []

    class Watching:
        """A residual that only asks where people are."""

        def wants(self, site):
            return site.kind == "cross"

        def __call__(self, site, call):
            placed.append((call.sigma, Found(look, (0, 1))(site, call)))

    latents = draw(base, Looks(faces=look), run, Watching(), steps=4)
    assert len(shown) == 2
    assert shown[0].shape == (2, 4, SIDE, SIDE)
    first, last = placed[0], placed[-1]
    assert torch.equal(first[1], torch.full_like(first[1], 0.5))
    assert first[0] > last[0]
    assert last[1][0].argmax(-1).float().std() > 0
    assert torch.isfinite(latents).all()
