"""Which pictures of a run a call holds, where a node gives the UNet a window of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...models.errors import LikenessError
from . import keys
from .options import Options


def pictures_of(options: Options) -> tuple[int, ...] | None:
    """The pictures that the running window holds, by their number in the run; None where no window
    runs, or one of something else than pictures.

    Args:
        options: `transformer_options` of a call, or of the conds that are asked about.
    """
    window = options.get(keys.WINDOW)
    if window is not None and not is_window_of_places(options):
        before = getattr(window, "causal_anchor_index", None)  # a picture in front, whose result is thrown away
        own = tuple(int(number) for number in window.index_list)
        return own if before is None or before < 0 else (int(before), *own)
    told = options.get(keys.ANIMATEDIFF) or {}
    numbers: Sequence[Any] | None = told.get("sub_idxs")
    return tuple(int(number) for number in numbers) if numbers else None


def is_window_of_places(options: Options) -> bool:
    """Whether the running window holds a part of every picture and not some of the pictures."""
    window = options.get(keys.WINDOW)
    return window is not None and getattr(window, "dim", 0) != 0


def of_its_own(options: Options) -> Options:
    """What a call that is about none of the run's pictures adds to `transformer_options`."""
    return {name: None for name in (keys.STEP, keys.WINDOW, keys.ANIMATEDIFF) if name in options}


def part_error(what: str) -> LikenessError:
    """Return the error for something that needs whole pictures where another node gives parts of them.

    Args:
        what: needs them, the beginning of the sentence.
    """
    return LikenessError(
        f"{what} needs whole pictures, but another node gives the model parts of them, or windows that cannot be followed; "
        "remove the tiling node, or set the context windows to dim 0."
    )
