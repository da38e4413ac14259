"""Numbers in the names of tensors: how many layers a file has, bounded by the tensors that it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import UnknownCheckpointError
from .tensors import shortened

DIGITS = 9  # of a number that is read at all


def layer_count(keys: Iterable[str], prefix: str, name: str) -> int:
    """How many layers there are: one more than the highest number that follows a prefix.

    Args:
        keys: of all tensors.
        prefix: of those of the layers, with its dot.
        name: what messages call the file or its part.

    Returns:
        0 without any; at most as many as there are keys with the prefix, so that a loop over it ends.

    Raises:
        UnknownCheckpointError: if what follows is no number, or one that so few tensors cannot reach.
    """
    found = [key for key in keys if key.startswith(prefix)]
    return require_reached(found, [key[len(prefix) :].partition(".")[0] for key in found], len(found), name)


def require_reached(keys: Sequence[str], numbers: Sequence[str], most: int, name: str) -> int:
    """One more than the highest of the numbers that stand in keys, 0 without any.

    Raises:
        UnknownCheckpointError: naming the key whose number is none, or is `most` or more.
    """
    highest = -1
    for key, number in zip(keys, numbers, strict=True):
        fits = number.isdecimal() and number.isascii() and len(number) <= DIGITS
        if not fits or int(number) >= most:
            raise UnknownCheckpointError(
                f'{name} has a key "{shortened(key)}" whose number {len(keys)} tensors cannot reach; download the file again or choose '
                "another one."
            )
        highest = max(highest, int(number))
    return highest + 1
