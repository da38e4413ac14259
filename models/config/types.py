"""Types of keys: an annotation says once what type checkers, messages and the manual have to know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from .rules import Choice, Either, Flag, Location, Many, Number, Rule, Table, Text

ASCENDING = "ascending"  # beside a tuple: no entry is smaller than the one before it

Count = Annotated[int, Number(1)]
Seed = Annotated[int, Number(0, 2**32 - 1)]
Probability = Annotated[float, Number(0, 1)]
File = Annotated[Path, Location("file")]
Folder = Annotated[Path, Location("folder")]
NewPath = Annotated[Path, Location("")]


def rule_of(hint: Any) -> Rule:
    """Return what a key of a type may hold.

    Args:
        hint: a type as `typing.get_type_hints` gives it with extras. A rule beside it in Annotated decides; without one, a
            Literal may hold its words, a tuple a list, a dict a table, a union what its parts allow, bool true or false, str any
            text.

    Raises:
        TypeError: if nothing tells what may be held.
    """
    kind, beside = (hint.__origin__, hint.__metadata__) if get_origin(hint) is Annotated else (hint, ())
    stated = next((entry for entry in beside if isinstance(entry, Rule)), None)
    if stated is not None:
        return replace(stated, whole=kind is int) if isinstance(stated, Number) else stated
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return Choice(parts)
    if origin is tuple:
        return Many(rule_of(parts[0]), 0 if parts[-1] is Ellipsis else len(parts), ASCENDING in beside)
    if origin is dict:
        return Table(rule_of(parts[1]))
    if origin in (Union, UnionType):
        return _either([part for part in parts if part is not NoneType])
    if kind in (bool, str):
        return Flag() if kind is bool else Text()
    raise TypeError(f"{kind} does not tell what a key may hold; put a rule beside it in Annotated.")


def _either(parts: list[Any]) -> Rule:
    """The rule of a union's only part that is not None, or of words and one other part."""
    words = tuple(word for part in parts if get_origin(part) is Literal for word in get_args(part))
    others = [part for part in parts if get_origin(part) is not Literal]
    if not others:
        return Choice(words)
    [other] = others
    return Either(words, rule_of(other)) if words else rule_of(other)
