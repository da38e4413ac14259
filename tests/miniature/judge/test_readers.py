"""What the judge's networks look at."""

from __future__ import annotations

import pytest
import torch
from likeness.miniature.judge.readers import (
    BACKDROP,
    EXPRESSION,
    PERSON,
    PICTURE,
    REACH,
    WINDOW,
    new_backdrop_reader,
    new_expression_reader,
    new_person_reader,
    new_styled_from,
    person_windows,
    whole_pictures,
)
from likeness.miniature.world.world import World

SIZE = 128


def face(x, y, reach):
    """Five points as they stand in a face with its middle there and half a head's height of so many pixels."""
    return torch.tensor([x, y]) + reach * torch.tensor(
        [[-0.32, -0.12], [0.32, -0.12], [0.0, 0.245], [-0.25, 0.62], [0.25, 0.62]]
    )


def marked(x, y):
    """A black picture with a soft white mark."""
    at = torch.arange(SIZE).float()
    mark = torch.exp(-((at - x).square() + (at[:, None] - y).square()) / 8)
    return mark.expand(1, 3, -1, -1)


def middle_of(window):
    """Where the mark of a window is, x and y in pixels."""
    shares = window[0] / window[0].sum()
    at = torch.arange(WINDOW).float()
    return torch.stack((shares.sum(0) @ at, shares.sum(1) @ at))


@pytest.mark.parametrize(("x", "y", "reach"), [(64.0, 64.0, 20.0), (40.0, 75.0, 15.0), (90.5, 50.25, 19.0)])
def test_the_middle_of_a_face_is_the_middle_of_its_window(x, y, reach):
    [window] = person_windows(marked(x, y), face(x, y, reach)[None])
    assert window.shape == (3, WINDOW, WINDOW)
    torch.testing.assert_close(middle_of(window), torch.full((2,), (WINDOW - 1) / 2), atol=0.05, rtol=0)


@pytest.mark.parametrize("reach", [15.0, 30.0])
def test_a_window_grows_with_the_face(reach):
    """A mark half a head's height aside stands a quarter of the window aside, whatever the face's size."""
    [window] = person_windows(marked(64 + reach, 64), face(64.0, 64.0, reach)[None])
    expected = torch.tensor([0.5 + 1 / (2 * REACH), 0.5]) * WINDOW - 0.5
    torch.testing.assert_close(middle_of(window), expected, atol=0.2, rtol=0)


def test_the_edge_goes_on_beyond_the_picture():
    picture = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    picture[..., 0] = 0.7
    [window] = person_windows(picture, face(0.0, 64.0, 30.0)[None])
    assert (window[..., : WINDOW // 2 - 1] - 0.7).abs().max() < 1e-5
    assert window[..., WINDOW // 2 + 1 :].std() > 0.1


def test_every_face_has_a_window_of_its_own_picture():
    scene = World(seed=3).scenes(range(3), people=(2, 2))
    owner = torch.tensor([2, 0, 2])
    points = scene.points[owner, torch.tensor([0, 1, 1])]
    together = person_windows(scene.image[owner], points)
    for number, window in enumerate(together):
        [alone] = person_windows(scene.image[owner[number]][None], points[number][None])
        torch.testing.assert_close(window, alone)


@pytest.mark.parametrize(
    ("new", "seen", "questions"),
    [
        (new_person_reader, WINDOW, PERSON),
        (new_expression_reader, WINDOW, EXPRESSION),
        (new_backdrop_reader, PICTURE, BACKDROP),
    ],
    ids=["person", "expression", "backdrop"],
)
def test_a_reader_answers_every_question(new, seen, questions):
    with torch.no_grad():
        said = new()(torch.rand(2, 3, seen, seen))
    assert {name: tuple(logits.shape) for name, logits in said.items()} == {
        name: (2, answers) for name, answers in questions.items()
    }


def test_backdrops_are_seen_whole():
    """Whatever is bright in a quarter of the picture is bright in the same quarter of what is seen."""
    pictures = torch.zeros(2, 3, SIZE, SIZE)
    pictures[1, :, : SIZE // 2, SIZE // 2 :] = 1
    seen = whole_pictures(pictures)
    assert seen.shape == (2, 3, PICTURE, PICTURE)
    assert not seen[0].any()
    torch.testing.assert_close(seen[1].mean((1, 2)), torch.full((3,), 0.25))
    assert seen[1, :, : PICTURE // 2 - 2, PICTURE // 2 + 2 :].min() == 1


def test_a_reader_of_styles_begins_as_the_reader_of_backdrops():
    torch.manual_seed(2)
    flat = new_backdrop_reader().eval()
    styled = new_styled_from(flat).eval()
    pixels = torch.rand(2, 3, PICTURE, PICTURE)
    with torch.no_grad():
        said, expected = styled(pixels), flat(pixels)
    for name, logits in expected.items():
        torch.testing.assert_close(said[name], logits)
    assert not said["style"].any()
