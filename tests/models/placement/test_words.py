"""People at their words: what is seen in one step counts from the next one on."""

import torch
from likeness.models.placement.found import INSIDE
from likeness.models.placement.words import SeenWords, WordLook
from likeness.models.port.attention import Crop
from likeness.tests.models.omniportrait.small_steps import LEFT, RIGHT, SIDE, attention, blob

CLEAR = attention(blob(LEFT) + 0.01, blob(RIGHT) + 0.01)
FLAT = attention(torch.ones(SIDE, SIDE), blob(RIGHT) + 0.01)


def see(look, memory, seen, sigma, *, samples=(0,), crop=None):
    look.take(memory, SeenWords(attention=seen, sigma=sigma, samples=samples, crop=crop))


def test_nothing_is_known_before_the_first_step_has_ended():
    look, memory = WordLook(), {}
    assert look.regions(memory, 9.0) is None
    see(look, memory, CLEAR, 9.0)
    assert look.regions(memory, 9.0) is None
    regions = look.regions(memory, 8.0)
    assert regions.found.all()
    for place, box in enumerate((LEFT, RIGHT)):
        inside = regions.scores[0, place] > INSIDE
        wanted = blob(box) > 0
        assert (inside & wanted).sum() > 0.9 * wanted.sum()


def test_words_that_attend_to_nothing_in_particular_leave_the_last_place():
    look, memory = WordLook(), {}
    see(look, memory, FLAT, 9.0)
    first = look.regions(memory, 8.0)
    assert first.found.tolist() == [[False, True]]
    see(look, memory, CLEAR, 8.0)
    second = look.regions(memory, 7.0)
    assert second.found.all()
    see(look, memory, FLAT, 7.0)
    third = look.regions(memory, 6.0)
    assert third.found.all()
    assert torch.equal(third.scores[0, 0], second.scores[0, 0])


def test_a_step_without_a_look_keeps_everything():
    look, memory = WordLook(), {}
    see(look, memory, CLEAR, 9.0)
    regions = look.regions(memory, 8.0)
    assert look.regions(memory, 7.0) is regions


def test_several_calls_of_a_step_add_up():
    """Two prompts that name one person each, for one picture each, and once more for both."""
    look, memory = WordLook(), {}
    see(look, memory, attention(blob(LEFT) + 0.01), 9.0, samples=(0,))
    see(look, memory, CLEAR, 9.0, samples=(1,))
    regions = look.regions(memory, 8.0)
    assert regions.found.tolist() == [[True, False], [True, True]]


def test_a_part_of_the_picture_is_seen_there_alone():
    look, memory = WordLook(), {}
    right = Crop(0, SIDE, SIDE, SIDE, SIDE, 2 * SIDE)
    see(look, memory, attention(blob(LEFT) + 0.01), 9.0, crop=right)
    scores = look.regions(memory, 8.0).scores[0, 0]
    assert scores.shape == (SIDE, 2 * SIDE)
    assert not scores[:, :SIDE].any()
    assert (scores[:, SIDE:] > INSIDE).any()


def test_the_attention_itself_is_the_mean_over_steps():
    look, memory = WordLook(), {}
    one, other = (blob(box) + 0.01 for box in (LEFT, RIGHT))
    see(look, memory, attention(one), 9.0)
    see(look, memory, attention(other), 8.0)
    torch.testing.assert_close(look.attention_maps(memory)[0][0], (one + other) / 2)
    assert look.attention_maps({}) == {}
