"""Names of cards: taken as they are, numbered, and never a path, on any system."""

from __future__ import annotations

import pytest
from likeness.models.errors import InvalidSettingError
from likeness.models.people.card_names import check_name, free_path


@pytest.mark.parametrize("name", ["Anna", " Anna ", "Änne Müller 2", "a.b", "安娜", "console", "com", "-x"])
def test_ordinary_names_are_taken(name):
    assert check_name(name) == name.strip()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "C:x",
        "/etc/passwd",
        "a\x00b",
        "a\nb",
        ".hidden",
        "dot.",
        "CON",
        "nul.anna",
        "Com1",
        "lpt9.x.y",
        "COM¹",
        "a*b",
        'a"b',
        "x" * 101,
        "安" * 80,
    ],
)
def test_what_some_system_does_not_take_is_a_sentence(name, tmp_path):
    with pytest.raises(InvalidSettingError) as caught:
        free_path(tmp_path, name)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_taken_gets_a_number_whatever_its_capitals(tmp_path):
    assert free_path(tmp_path, "Anna") == tmp_path / "Anna.safetensors"
    (tmp_path / "anna.safetensors").touch()
    assert free_path(tmp_path, "Anna") == tmp_path / "Anna 2.safetensors"
    (tmp_path / "ANNA 2.SAFETENSORS").touch()
    assert free_path(tmp_path, "Anna") == tmp_path / "Anna 3.safetensors"
