"""In which order rows are trained on: arithmetic on the seed and the position in the run, without any state.

A position counts pictures over the whole run and all processes. Step N of a resumed run therefore sees the pictures that it
would have seen without the break, and two processes see together what one would see with twice the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

WINDOW = 16  # shards whose rows are mixed, so that a slow disk reads few files at a time


class Order:
    """A permutation of all rows per epoch.

    Args:
        groups: number of rows in each shard, or of all rows as the only group.
        seed: of the run.
    """

    def __init__(self, groups: Sequence[int], seed: int) -> None:
        self._ends = list(accumulate(groups))
        self._seed = seed
        self._epoch, self._rows = -1, np.empty(0, np.int64)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def row(self, position: int) -> int:
        """Which row stands at a position of the run."""
        epoch, place = divmod(position, len(self))
        if epoch != self._epoch:
            self._epoch, self._rows = epoch, self._permutation(epoch)
        return int(self._rows[place])

    def _permutation(self, epoch: int) -> np.ndarray:
        """Shards in random order; the rows of `WINDOW` neighbours are mixed."""
        generator = np.random.default_rng([self._seed, epoch])
        starts = [0, *self._ends[:-1]]
        shards = generator.permutation(len(self._ends)).tolist()
        windows = [shards[first : first + WINDOW] for first in range(0, len(shards), WINDOW)]
        mixed = [
            np.concatenate([np.arange(starts[shard], self._ends[shard]) for shard in window]) for window in windows
        ]
        return np.concatenate([generator.permutation(rows) for rows in mixed])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """The positions of one process, batch by batch; a batch sampler for torch's DataLoader.

    Attributes:
        batch_size: pictures at once in one process.
        first: batch to begin with; optimizer step N begins with batch N · accumulate.
        end: batch to end before.
        rank: of this process.
        processes: how many there are.
    """

    batch_size: int
    first: int
    end: int
    rank: int = 0
    processes: int = 1

    def __iter__(self) -> Iterator[list[int]]:
        for batch in range(self.first, self.end):
            start = (batch * self.processes + self.rank) * self.batch_size
            yield list(range(start, start + self.batch_size))

    def __len__(self) -> int:
        return max(self.end - self.first, 0)
