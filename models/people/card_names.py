"""Names of identity cards: a file of one folder on every system, never a path."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

from ..errors import InvalidSettingError

SUFFIX = ".safetensors"
MOST_LETTERS = 100
FORBIDDEN = re.compile(r'[<>:"/\\|?*]')  # by Windows; the slashes on every system
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)


def check_name(name: str) -> str:
    """The name of a card without spaces around it, if every system takes it as the name of a file.

    Raises:
        InvalidSettingError: saying what is wrong with it.
    """
    found = name.strip()
    if not found:
        raise InvalidSettingError("The identity card has no name; write one into name of Save Identity Card.")
    wrong = FORBIDDEN.search(found)
    if wrong is not None:
        raise InvalidSettingError(
            f'The name "{found}" has a {wrong.group()} in it, which names of files may not; leave it out.'
        )
    if not found.isprintable() or found.startswith(".") or found.endswith("."):
        raise InvalidSettingError(f"The name {found!r} begins or ends with a dot or does not print; choose another.")
    if DEVICES.fullmatch(found.split(".")[0].strip()):
        raise InvalidSettingError(f'The name "{found}" is that of a device on Windows; choose another.')
    if len(found) > MOST_LETTERS or len(found.encode()) > 2 * MOST_LETTERS:
        raise InvalidSettingError(
            f"The name of the identity card has {len(found)} letters; use at most {MOST_LETTERS}."
        )
    return found


def free_path(folder: Path, name: str) -> Path:
    """Where a card of this name is written: with a number from 2 on where the name is taken, whatever its capitals.

    Raises:
        InvalidSettingError: see `check_name`.
    """
    name = check_name(name)
    taken = {each.casefold() for each in os.listdir(folder)}
    names = itertools.chain((name,), (f"{name} {number}" for number in itertools.count(2)))
    return folder / next(each + SUFFIX for each in names if f"{each}{SUFFIX}".casefold() not in taken)
