"""Protobuf messages, read by their structure alone: fields in their order, without a schema."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # kinds of fields
WIDTHS = {FIXED64: 8, FIXED32: 4}


def fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of every field of a message: an int for a varint, else its bytes.

    Raises:
        ValueError: if it is no message.
    """
    place, end = 0, len(content)
    while place < end:
        tag, place = _varint(content, place)
        number, kind = tag >> 3, tag & 7
        if number == 0 or kind not in (VARINT, BYTES, *WIDTHS):
            raise ValueError("its structure is not that of a protobuf file")
        if kind == VARINT:
            value, place = _varint(content, place)
            yield number, value
            continue
        length, place = _varint(content, place) if kind == BYTES else (WIDTHS[kind], place)
        if place + length > end:
            raise ValueError("it ends in the middle of a field")
        yield number, content[place : place + length]
        place += length


def varints(value: int | memoryview) -> list[int]:
    """The whole numbers of a repeated field, one by one or packed; negative ones as such.

    Raises:
        ValueError: if it is cut off.
    """
    if isinstance(value, int):
        return [_signed(value)]
    found, place = list[int](), 0
    while place < len(value):
        number, place = _varint(value, place)
        found.append(_signed(number))
    return found


def text(value: int | memoryview) -> str:
    """A text.

    Raises:
        ValueError: if it is none in UTF-8.
    """
    return message(value).tobytes().decode()


def message(value: int | memoryview) -> memoryview:
    """The bytes of a field that has to have some.

    Raises:
        ValueError: if it is a number.
    """
    if isinstance(value, int):
        raise ValueError("it has a number where a text or a table belongs")
    return value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    """A number of up to 64 bits, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            raise ValueError("it ends in the middle of a number")
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << 64) - 1), place
    raise ValueError("it holds a number that is too long")
