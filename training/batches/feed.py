"""Batches of a data set, read ahead by worker processes and encoded where the networks are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .batch import AnyBatch
from .examples import Example
from .order import Batches
from .row_dataset import RowDataset, load_batches

P = TypeVar("P")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PictureFeed(Generic[P]):
    """What the loop trains on.

    Attributes:
        dataset: the pictures.
        encode: examples to a batch.
        batch_size: pictures at once in one process.
        end: number of batches in the whole run, counted in one process.
        workers: processes that read pictures; 0 reads in this one.
        rank: of this process.
        processes: how many there are.
    """

    dataset: RowDataset[P]
    encode: Callable[[Sequence[Example[P]]], AnyBatch]
    batch_size: int
    end: int
    workers: int
    rank: int = 0
    processes: int = 1

    def read(self, first: int) -> Iterator[tuple[Example[P], ...]]:
        """This process' pictures, beginning with batch number `first`."""
        batches = Batches(
            batch_size=self.batch_size, first=first, end=self.end, rank=self.rank, processes=self.processes
        )
        return load_batches(self.dataset, batches, workers=self.workers)

    def batch(self, read: tuple[Example[P], ...]) -> AnyBatch:
        """The same, encoded."""
        return self.encode(read)
