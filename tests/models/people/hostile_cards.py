"""Cards that nobody wrote with the pack, for tests of reading."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from likeness.models.people.card import write
from likeness.models.people.card_file import RECORD
from likeness.models.people.encodings import EncodingKey
from likeness.tests.people import someone

KEY = EncodingKey("clip vision abc -2", "f" * 64, "tokens")


def sound_card(path: Path) -> bytes:
    """A sound card; its bytes."""
    write(path, someone("Anna"), {KEY: (torch.ones(1, 5, 3),)}, keeps="photos")
    return path.read_bytes()


def changed(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """A card whose safetensors header somebody has changed."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    return packed(json.dumps(header).encode(), content[8 + length :])


def packed(header: bytes, body: bytes = b"") -> bytes:
    """A safetensors file of a header and a body."""
    return len(header).to_bytes(8, "little") + header + body


def with_record(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """A card whose record somebody has changed."""

    def edit(header: dict[str, Any]) -> None:
        record = json.loads(header["__metadata__"][RECORD])
        change(record)
        header["__metadata__"][RECORD] = json.dumps(record)

    return changed(content, edit)
