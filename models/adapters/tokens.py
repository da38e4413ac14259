"""Tokens beside the text: sets of them with their keys and values at a layer, and who reads which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from ..placement.standing import Standing

ALIGNED = 8  # masks with rows of a multiple of it are read as they lie by memory-efficient kernels


KeysValues = tuple[Tensor, Tensor]  # (N, T, C) each, the same for all rows, or (B, N, T, C)


@dataclass(frozen=True, eq=False, slots=True)
class TokenScores:
    """What is added to the scores of N sets of T tokens: log w of a token that counts w times.

    Attributes:
        values: (N, T) float32, finite.
    """

    values: Tensor


@dataclass(frozen=True, eq=False, slots=True)
class Tokens:
    """N sets of T tokens at one layer.

    Attributes:
        sets: N.
        length: T.
        project: gives their keys and values; whatever is multiplied with the result is part of the values. It is asked as these are
            laid out for attention, and only what is laid out is kept.
        is_by_row: whether each row has its own.
        is_kept: whether the run hands this object out again.
        scores: what is added to their scores; None where all tokens count alike.
    """

    sets: int
    length: int
    project: Callable[[], KeysValues]
    is_by_row: bool = False
    is_kept: bool = False
    scores: TokenScores | None = None

    @classmethod
    def of(cls, keys: Tensor, values: Tensor, *, is_kept: bool = False) -> Tokens:
        """Tokens whose keys and values are there."""
        sets, length = keys.shape[-3:-1]
        return cls(sets, length, lambda: (keys, values), keys.ndim == 4, is_kept)

    def changed(self, change: Callable[[Tensor, Tensor], KeysValues]) -> Tokens:
        """The same with other keys and values, of the same shape."""
        return replace(self, project=lambda: change(*self.project()))


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """What some neighbouring rows of a layer read.

    Attributes:
        tokens: the sets.
        standing: which of them every position reads; `standing.people` is their number.
    """

    tokens: Tokens
    standing: Standing

    @property
    def is_kept(self) -> bool:
        """Whether neither changes while the run lasts."""
        return self.tokens.is_kept and self.standing.is_kept

    @property
    def is_shared(self) -> bool:
        """Whether a position may read several sets."""
        return self.standing.weights is not None

    @property
    def is_masked(self) -> bool:
        """Whether something is to be added to its scores."""
        return self.standing.choice is not None or self.tokens.scores is not None

    @property
    def columns(self) -> int:
        """Keys that one attention has, with those that fill up the rows of its mask."""
        count = self.tokens.sets * self.tokens.length
        if not self.is_masked:
            return count
        return -(-(count + self.standing.has_gaps) // ALIGNED) * ALIGNED
