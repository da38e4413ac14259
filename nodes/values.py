"""What a schema says of numbers and texts, held for linked values as well.

ComfyUI compares the value of a widget with its ends, which NaN passes, and looks at nothing that comes over a link.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from comfy_api.latest import io

from ..models.errors import InvalidSettingError, holds_half

MOST_TEXT = 500_000  # characters; hundreds of pages


def guarded(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """A node that looks at its numbers and texts before it runs; all else is the given one's."""
    inputs = tuple(node.define_schema().inputs or ())

    class Guarded(node):
        @classmethod
        @functools.wraps(node.execute)
        def execute(cls, **values: Any) -> io.NodeOutput:
            require_values(inputs, values)
            return super().execute(**values)

    Guarded.__name__, Guarded.__qualname__ = node.__name__, node.__qualname__
    Guarded.__module__, Guarded.__doc__ = node.__module__, node.__doc__
    return Guarded


def require_values(inputs: Sequence[io.Input], values: Mapping[str, Any]) -> None:
    """Check numbers and texts against a schema.

    Args:
        inputs: of the schema.
        values: by the name of their input; what is missing or None is not looked at.

    Raises:
        InvalidSettingError: if a number is NaN, infinite or out of its range, or a text is endless or holds half a character.
    """
    for each in inputs:
        value = values.get(each.id)
        if value is None:
            continue
        if isinstance(each, io.Float.Input | io.Int.Input):
            _require_number(each, value)
        elif isinstance(each, io.String.Input):
            _require_text(each.id, value)


def _require_number(each: io.Float.Input | io.Int.Input, value: Any) -> None:
    low = -math.inf if each.min is None else each.min
    high = math.inf if each.max is None else each.max
    is_whole = isinstance(each, io.Int.Input)
    if not isinstance(value, int if is_whole else int | float):
        kind = "whole number" if is_whole else "number"
        raise InvalidSettingError(f"{each.id} is a {type(value).__name__}; choose a {kind} from {low} to {high}.")
    is_finite = isinstance(value, int) or math.isfinite(value)  # an int may be too large for a float
    if not is_finite or not low <= value <= high:
        shown = value if abs(value) < 1e20 or not is_finite else "too large"
        raise InvalidSettingError(f"{each.id} is {shown}; choose a number from {low} to {high}.")


def _require_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise InvalidSettingError(f"{name} is a {type(value).__name__}; connect a text or write one.")
    if len(value) > MOST_TEXT:
        raise InvalidSettingError(f"{name} has {len(value):,} characters; write at most {MOST_TEXT:,}.")
    if holds_half(value):
        raise InvalidSettingError(
            f"{name} holds half a character (a surrogate alone), which nothing can read; write it anew."
        )
