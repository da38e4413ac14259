import sys

import pytest
from likeness.models.clip import tokens
from likeness.models.clip.tokens import encode
from likeness.models.errors import MissingPackageError


def test_known_ids():
    assert encode("A man, in a forest, adventuring") == [320, 786, 267, 530, 320, 4167, 267, 3071, 1351]
    assert encode("") == []


def test_case_and_space_do_not_matter():
    assert encode(" Two\n\tEYES ") == encode("two eyes")


def test_a_composed_letter_equals_its_parts():
    assert encode("e\u0301") == encode("\u00e9")


def test_html_and_broken_encodings_stay_as_they_are():
    assert encode("&amp;") != encode("&")
    assert encode("Ã©") != encode("é")


@pytest.mark.parametrize("text", ["😀 👃", "\ud800", "名前", "<|endoftext|>", "\x00"])
def test_any_text_has_ids(text):
    assert all(0 <= number <= tokens.EOS for number in encode(text))


def test_a_missing_package_is_named(monkeypatch):
    tokens._tokenizer.cache_clear()
    monkeypatch.setitem(sys.modules, "open_clip.tokenizer", None)

    with pytest.raises(MissingPackageError, match="open_clip_torch"):
        encode("a")
