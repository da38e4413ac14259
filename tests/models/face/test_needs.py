"""Files that look at faces."""

from __future__ import annotations

from likeness.models.face.needs import (
    BUFFALO_DETECTOR,
    DETECTOR,
    FACE_PARSER,
    FACE_PARSING,
    RECOGNISER,
    RECOGNISING,
    SFACE,
    YUNET,
)


def test_no_detector_is_needed_and_the_freer_one_is_named_first():
    assert DETECTOR.optional
    assert DETECTOR.published == (YUNET, BUFFALO_DETECTOR)


def test_the_recogniser_must_bear_the_name_that_auto_takes():
    assert f"{RECOGNISING.stem}.onnx" == RECOGNISER.name


def test_what_is_for_research_only_is_told_so():
    assert [file.commercial for file in (FACE_PARSER, RECOGNISER, BUFFALO_DETECTOR)] == ["no"] * 3
    assert [file.commercial for file in (YUNET, SFACE)] == ["yes"] * 2
    assert not FACE_PARSING.optional
