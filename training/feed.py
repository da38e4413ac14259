"""Batches of a data set, read ahead by worker processes and encoded where the networks are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .batch import Batch
from .dataset import PictureDataset, load_batches
from .examples import Example
from .order import Batches
from .picture_encoder import PictureEncoder


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PictureFeed:
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

    dataset: PictureDataset
    encode: PictureEncoder
    batch_size: int
    end: int
    workers: int
    rank: int = 0
    processes: int = 1

    def read(self, first: int) -> Iterator[tuple[Example, ...]]:
        """This process' pictures, beginning with batch number `first`."""
        batches = Batches(
            batch_size=self.batch_size, first=first, end=self.end, rank=self.rank, processes=self.processes
        )
        return load_batches(self.dataset, batches, workers=self.workers)

    def batch(self, read: tuple[Example, ...]) -> Batch:
        """The same, encoded."""
        return self.encode(read)
