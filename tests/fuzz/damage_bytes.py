"""Damage to any file: its bytes, and what stands in its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

FEW = 8  # bytes changed at once
BLOCK = 512
HEAD = 2048  # where headers are, which are hit more often than their share
TEXTS = (
    b"<!DOCTYPE html><html><body>404</body></html>",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    b"root:x:0:0:secret:/root:/bin/sh\n" * 9,
    b"\xff\xfe\x00\x00",
    b"\x00" * 4096,
    b"PK\x03\x04" + b"\x00" * 64,
    b"\x80\x02}q\x00.",
    b"\x10\x00\x00\x00\x00\x00\x00\x00{" + b" " * 15,
)


def flip(random: Random, content: bytes) -> bytes:
    """Some bytes are others."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, FEW))):
        place = random.randrange(min(len(changed), HEAD) if random.random() < 0.5 else len(changed))
        changed[place] = random.randrange(256)
    return bytes(changed)


def truncate(random: Random, content: bytes) -> bytes:
    """The end is missing."""
    return content[: random.randrange(len(content))]


def lengthen(random: Random, content: bytes) -> bytes:
    """Something follows."""
    return content + random.randbytes(random.choice((1, 8, BLOCK)))


def blank(random: Random, content: bytes) -> bytes:
    """A block is zeros or ones."""
    start = random.randrange(len(content))
    return (
        content[:start]
        + random.choice((b"\x00", b"\xff")) * min(BLOCK, len(content) - start)
        + content[start + BLOCK :]
    )


def repeat(random: Random, content: bytes) -> bytes:
    """A block comes twice, or stands elsewhere too."""
    first, second = sorted((random.randrange(len(content)), random.randrange(len(content))))
    return content[:second] + content[first : first + BLOCK] + content[second:]


def cut_out(random: Random, content: bytes) -> bytes:
    """A block is missing."""
    start = random.randrange(len(content))
    return content[:start] + content[start + random.choice((1, 8, BLOCK)) :]


def replace(random: Random, content: bytes) -> bytes:
    """Something else altogether."""
    return random.choice((*TEXTS, b"", random.randbytes(64)))


BYTES: tuple[Callable[[Random, bytes], bytes], ...] = (
    flip,
    flip,
    flip,
    truncate,
    lengthen,
    blank,
    repeat,
    cut_out,
    replace,
)


def damage_bytes(random: Random, content: bytes) -> tuple[bytes, str]:
    """The content of a file changed in some way, and the name of that way."""
    way = random.choice(BYTES)
    return (way(random, content) if content else b"\x00"), way.__name__


def put_elsewhere(random: Random, path: Path) -> str:
    """In the place of a file stands something that is no file; its name."""
    way = random.choice(("nothing", "folder", "pipe", "loop", "broken link", "device", "huge"))
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if way == "folder":
        path.mkdir()
    elif way == "pipe":
        os.mkfifo(path)
    elif way == "loop":
        path.symlink_to(path.name)
    elif way == "broken link":
        path.symlink_to("not there")
    elif way == "device":
        path.symlink_to("/dev/zero")
    elif way == "huge":
        with path.open("wb") as stream:
            stream.truncate(8 << 30)  # without its blocks
    return way
