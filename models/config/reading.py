"""Files in TOML: sections of keys, read so that every fault is found before anything is said."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError, first_line
from .keys import Key, keys_of
from .values import show

MOST_BYTES = 1_000_000  # of a file
MOST_DOTS = 500  # in a line; a key of so many parts takes a reader of TOML minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a file under a name of its own."""

    def faults(self) -> Iterator[str]:
        """Name what contradicts itself between keys that are good by themselves, one line each."""
        yield from ()


def read_toml(path: Path, called: str = "configuration file") -> dict[str, Any]:
    """What a file says.

    Args:
        path: of the file.
        called: what a message calls it.

    Raises:
        ConfigError: if it cannot be read, is no file, too long, or no TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f'"{path}" is no file, but a folder, a pipe or a device; name the {called}.')
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES or any(line.count(b".") > MOST_DOTS for line in content.splitlines()):
            raise ConfigError(
                f'"{path}" has more than {MOST_BYTES:,} bytes, or {MOST_DOTS} dots in a line, and is no {called}; name another file.'
            )
        return tomllib.loads(content.decode().replace("\r\n", "\n"))
    except OSError as error:
        raise ConfigError(f'"{path}" cannot be read ({error.strerror}); name the {called}.') from error
    except RecursionError as error:
        raise ConfigError(f'"{path}" has lists or tables nested too deep for a {called}; mend it.') from error
    except ConfigError:
        raise
    except (ValueError, RuntimeError) as error:  # not TOML, not UTF-8, or a path that is none
        raise ConfigError(f'"{path}" is not a TOML file in UTF-8 ({error}); mend that line.') from error


def read_keys(
    where: str, table: Any, own: Mapping[str, Key], folder: Path, *, others: Mapping[str, Key] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The values of a section, and what is wrong with it.

    Args:
        where: the section as a message calls it, "[run]".
        table: what the file says.
        own: the keys that it may hold.
        folder: where relative paths start.
        others: keys that are read too, but need not be there.

    Returns:
        The values of all keys that are known, None for a wrong one; and the faults, one line each.
    """
    if not isinstance(table, Mapping):
        return {}, [f"{where} is {show(table)}; write it as a section, with its keys below the line {where}."]
    known = {**(others or {}), **own}
    faults = [unknown(where, str(given), list(known)) for given in table if given not in known]
    faults += [
        f"{where} {key.name} is missing; {key.remedy}"
        for key in own.values()
        if key.default is MISSING and key.name not in table
    ]
    values: dict[str, Any] = {}
    for given, key in known.items():
        if given in table:
            values[given], fault = _value(where, key, table[given], folder)
            faults += fault
    return values, faults


def read_section(where: str, section: type[Section], table: Any, folder: Path) -> tuple[Any, list[str]]:
    """A section, None where it has faults, and these; see `read_keys`."""
    values, faults = read_keys(where, table, {key.name: key for key in keys_of(section)}, folder)
    if faults:
        return None, faults
    made = section(**values)
    return made, list(made.faults())


def refuse(path: Path, faults: Sequence[str]) -> None:
    """Say all faults of a file, if there are any.

    Raises:
        ConfigError: listing them, one line each.
    """
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError("\n".join([f'"{path.name}" has {count}; mend and start again:', *faults]))


def unknown(where: str, given: str, known: Sequence[str]) -> str:
    """The fault of a name that nobody knows, with the nearest one that is known."""
    near = difflib.get_close_matches(given, known, n=1)
    remedy = f'write "{near[0]}" or remove it' if near else f"choose among {', '.join(known)}, or remove it"
    return f'{where} has "{given}", which is not known; {remedy}.'


def _value(where: str, key: Key, given: Any, folder: Path) -> tuple[Any, list[str]]:
    """What a key holds, or None where it may not hold that, and the fault."""
    try:
        return key.rule.read(given, folder), []
    except (OSError, RuntimeError) as error:  # a name too long, links in a circle, a user whom nobody knows
        reason = getattr(error, "strerror", None) or first_line(error)
        return None, [
            f"{where} {key.name} is {show(given)}; that cannot be looked for ({reason}); choose {key.rule.wanted}."
        ]
    except (ValueError, OverflowError) as error:  # an int too large for a float
        reason = f"{error}; " if type(error) is ValueError and str(error) else ""
        return None, [f"{where} {key.name} is {show(given)}; {reason}choose {key.rule.wanted}."]
