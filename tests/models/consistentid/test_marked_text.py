import pytest
import torch
from likeness.models.clip import BOS, EOS
from likeness.models.consistentid.marked_text import MARKER, ComposedPrompt, Mark, mark


def test_markers_stand_behind_their_words_whoever_s_they_are():
    text = "two men; a face, blue eyes"
    marks = (Mark(1, "eyes", 26), Mark(0, "face", 15))
    marked = ComposedPrompt(text, marks, ((9, 15), (17, 26))).marked_text
    assert marked == f"two men; a face {MARKER}, blue eyes {MARKER}"


def encode(text):
    return [ord(letter) for letter in text if letter != " "]


def test_the_id_before_a_marker_is_marked():
    tokens = mark(f"ab {MARKER}c{MARKER}", encode, length=10, pad=7)

    assert tokens.ids.tolist() == [BOS, ord("a"), ord("b"), ord("c"), EOS, 7, 7, 7, 7, 7]
    assert tokens.positions == (2, 3)
    assert tokens.mask.nonzero().flatten().tolist() == [2, 3]
    assert tokens.index.tolist() == [2, 3, 0, 0, 0]
    assert tokens.index_mask.tolist() == [True, True, False, False, False]
    assert tokens.raw_length == 7


def test_a_long_text_loses_its_end_token_and_its_last_marks():
    tokens = mark(f"abc{MARKER}defgh{MARKER}", encode, length=6, pad=7)

    assert tokens.ids.tolist() == [BOS, *map(ord, "abcde")]
    assert tokens.positions == (3,)
    assert tokens.mask.sum() == tokens.index_mask.sum() == 1
    assert tokens.raw_length == 12


@pytest.mark.parametrize("text", ["", "abc"])
def test_without_markers(text):
    tokens = mark(text, encode, pad=EOS)

    assert tokens.ids.shape == tokens.mask.shape == (77,)
    assert not tokens.mask.any()
    assert not tokens.index_mask.any()


def test_neighbouring_markers_and_more_than_five():
    doubled = mark(f"a{MARKER}{MARKER}", encode, pad=EOS)
    many = mark(MARKER.join("abcdefgh"), encode, pad=EOS)

    assert doubled.positions == (1,)
    assert many.positions == (1, 2, 3, 4, 5, 6, 7)
    assert torch.equal(many.index, torch.tensor([1, 2, 3, 4, 5]))
