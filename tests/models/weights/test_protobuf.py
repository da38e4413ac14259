"""Messages are read field by field, and nothing is read that is not there."""

from __future__ import annotations

import pytest
from likeness.models.weights.protobuf import fields, message, text, varints


def read(content):
    return [
        (number, value if isinstance(value, int) else value.tobytes()) for number, value in fields(memoryview(content))
    ]


def test_fields_of_every_kind():
    content = b"\x08\x96\x01" + b"\x12\x02hi" + b"\x1d\0\0\x80?" + b"\x21" + bytes(8)
    assert read(content) == [(1, 150), (2, b"hi"), (3, b"\0\0\x80?"), (4, bytes(8))]
    assert read(b"") == []


@pytest.mark.parametrize(
    "content", [b"\x12\x05hi", b"\x08", b"\x08\xff", b"\x1d\0\0", b"\x00\x01", b"\x0b", b"\x08" + b"\xff" * 11]
)
def test_what_is_cut_off_or_no_message_is_refused(content):
    with pytest.raises(ValueError, match=r"middle of a|not that of a protobuf|too long"):
        read(content)


def test_whole_numbers_one_by_one_or_packed():
    assert varints(7) == [7]
    assert varints((1 << 64) - 1) == [-1]
    assert varints(memoryview(b"\x01\x96\x01")) == [1, 150]


def test_texts():
    assert text(memoryview(b"abc")) == "abc"
    for wrong in (memoryview(b"\xff"), 5):
        with pytest.raises(ValueError):  # noqa: PT011
            text(wrong)
    with pytest.raises(ValueError, match="number where a text"):
        message(5)
