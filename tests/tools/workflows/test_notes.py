"""Texts of notes."""

from __future__ import annotations

from likeness.tools.weights.known_files import BUFFALO_DETECTOR, FACEID, SD15, YUNET
from likeness.tools.workflows.notes import write_downloads


def test_every_file_is_linked_with_its_size_and_folder():
    text = write_downloads([SD15, FACEID])
    for file in (SD15, FACEID):
        assert f"- [{file.name}]({file.url}), {file.size}, in `{file.folder}`" in text
    assert "detector" not in text


def test_detectors_are_one_line_that_says_that_none_is_needed():
    [line] = [line for line in write_downloads([SD15, YUNET, BUFFALO_DETECTOR]).splitlines() if "detector" in line]
    assert YUNET.page in line
    assert "non-commercial" in line
    assert "if you like" in line


def test_only_uniportrait_is_said_to_need_sd15():
    assert "SD1.5 only" in write_downloads([SD15, FACEID])
    assert "SD1.5 only" not in write_downloads([SD15, YUNET])
