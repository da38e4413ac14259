"""Rows to examples: a position of the run to a picture and its people, the same for the same seed on every machine.

What of a person a method learns from is a matter of the method's own data set.
"""

from __future__ import annotations

import hashlib
import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from torch.utils.data import DataLoader, Dataset

from ...dataset.manifest import PersonRow, Row
from ...dataset.photo import Photo
from ...dataset.rows import RowSource
from ...models.errors import BadImageError
from .examples import Example
from .framing import Frame
from .index import Wanted, find_shown, frame_row, index_rows
from .order import Batches, Order

logger = logging.getLogger(__name__)
ATTEMPTS = 100  # rows in a row that may fail before something else must be wrong

P = TypeVar("P")


def nothing_is_cached(key: str) -> bool:
    """There is no cache."""
    del key
    return False


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Seen:
    """A row that is being read.

    Attributes:
        place: of the row among those that are trained on.
        row: what the manifest says.
        photo: its picture.
        frame: the square that is trained on.
        people: whom the square shows.
        generator: random numbers of the position.
        passed_over: takes what cannot be read.
    """

    place: int
    row: Row
    photo: Photo
    frame: Frame
    people: tuple[PersonRow, ...]
    generator: np.random.Generator
    passed_over: list[str]


class RowDataset(Dataset[Example[P]]):
    """Pictures by their position in the run.

    A row whose files cannot be read is replaced by another one, which depends on the seed and the position alone, and
    named in `Example.passed_over`.

    Args:
        source: where rows and files come from.
        wanted: which rows are trained on, and at what size.
        seed: of the run.
        is_cached: whether the latents or features of a key are at hand, so that the pixels are not needed; may be set
            later; with workers it must be picklable.

    Raises:
        InvalidSettingError: if there is nothing to train on.
    """

    def __init__(
        self, source: RowSource, wanted: Wanted, *, seed: int, is_cached: Callable[[str], bool] = nothing_is_cached
    ) -> None:
        self._source, self._wanted, self._seed = source, wanted, seed
        self.is_cached = is_cached
        self._index = index_rows(source, wanted)
        self._order = Order(self._index.groups, seed)

    def __len__(self) -> int:
        """Rows that are trained on; positions go on after the last."""
        return len(self._order)

    def __getitem__(self, position: int) -> Example[P]:
        """The picture at a position of the run.

        Raises:
            BadImageError: if `ATTEMPTS` rows in a row cannot be read.
        """
        generator = np.random.default_rng([self._seed, position])
        place, passed_over = self._order.row(position), list[str]()
        for _ in range(ATTEMPTS):
            try:
                return self._example(position, place, generator, passed_over)
            except (OSError, BadImageError) as error:
                passed_over.append(str(error))
                place = int(generator.integers(len(self)))
        raise BadImageError(
            f"{ATTEMPTS} rows in a row cannot be read, the last because of: {passed_over[-1]} Run `python -m "
            "likeness.dataset.check_command`."
        )

    @abstractmethod
    def _people(self, seen: Seen) -> tuple[P, ...]:
        """What the method learns from of the people that the square shows; raises OSError or BadImageError."""

    def _pixels(self, seen: Seen, key: str) -> np.ndarray | None:
        """The square, (size, size, 3) uint8 RGB, or None where the cache knows its key."""
        return None if self.is_cached(key) else seen.frame.picture(seen.photo.picture)

    def _example(self, position: int, place: int, generator: np.random.Generator, passed_over: list[str]) -> Example[P]:
        row = self._row(place)
        frame = frame_row(row, self._wanted.size)
        photo = Photo(partial(self._read, place), row)
        seen = Seen(
            place=place,
            row=row,
            photo=photo,
            frame=frame,
            people=tuple(find_shown(row, frame)),
            generator=generator,
            passed_over=passed_over,
        )
        people = self._people(seen)
        key = hashlib.sha256(f"{photo.digest} {frame}".encode()).hexdigest()
        return Example(
            position=position,
            row_id=row.id,
            key=key,
            pixels=self._pixels(seen, key),
            caption=row.caption,
            facial_caption=row.facial_caption,
            sizes=frame.conditioning,
            people=people,
            passed_over=tuple(passed_over),
        )

    def _row(self, place: int) -> Row:
        return self._source.row(self._index.numbers[place])

    def _read(self, place: int, name: str) -> bytes:
        return self._source.read(self._index.numbers[place], name)


def load_batches(dataset: RowDataset[P], batches: Batches, *, workers: int) -> Iterator[tuple[Example[P], ...]]:
    """Read batches ahead in worker processes.

    Args:
        dataset: the pictures.
        batches: which positions; where they begin is where a run goes on.
        workers: processes; 0 reads in this one. Their number changes nothing but the speed.

    Yields:
        The examples of one batch after the other. What had to be passed over is logged.
    """
    loader: DataLoader[Example[P]] = DataLoader(dataset, batch_sampler=batches, num_workers=workers, collate_fn=tuple)
    for examples in loader:
        for example in examples:
            for fault in example.passed_over:
                logger.warning("Passed over at position %d: %s", example.position, fault)
        yield examples
