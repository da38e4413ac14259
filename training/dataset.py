"""The data set: a position of the run to a picture and its people, the same for the same seed on every machine."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from torch.utils.data import DataLoader, Dataset

from ..models.errors import BadImageError
from .examples import Crop, Example, ShownPerson
from .face_crops import can_be_aligned, crop_changed, crop_face, crop_key, face_box
from .framing import Frame
from .manifest import PersonRow, Row
from .order import Batches, Order
from .photo import Photo
from .row_index import Wanted, frame_row, index_rows, shown
from .row_source import RowSource

logger = logging.getLogger(__name__)
ATTEMPTS = 100  # rows in a row that may fail before something else must be wrong


def nothing_is_cached(key: str) -> bool:
    """There is no cache."""
    del key
    return False


class PictureDataset(Dataset[Example]):
    """Pictures by their position in the run.

    A row whose files cannot be read is replaced by another one, which depends on the seed and the position alone, and
    named in `Example.passed_over`.

    Args:
        source: where rows and files come from.
        wanted: which rows are trained on, and at what size.
        seed: of the run.
        swap_identity: how often the intrinsic branch sees another picture of a labelled person, 0–1; somebody of whom
            there is only one is seen in it changed.
        with_parse: whether to read the face parsing maps.
        is_cached: whether the latents or features of a key are at hand, so that the pixels are not needed; may be set
            later; with workers it must be picklable.

    Raises:
        InvalidSettingError: if there is nothing to train on.

    Reference: UniPortrait (arXiv:2408.05939), section 3.4, stage I; the fallback is ours.
    """

    def __init__(
        self,
        source: RowSource,
        wanted: Wanted,
        *,
        seed: int,
        swap_identity: float = 0.0,
        with_parse: bool = False,
        is_cached: Callable[[str], bool] = nothing_is_cached,
    ) -> None:
        self._source, self._wanted, self._seed = source, wanted, seed
        self._swap_identity, self._with_parse = swap_identity, with_parse
        self.is_cached = is_cached
        self._index = index_rows(source, wanted)
        self._order = Order(self._index.groups, seed)

    def __len__(self) -> int:
        """Rows that are trained on; positions go on after the last."""
        return len(self._order)

    def __getitem__(self, position: int) -> Example:
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
            "likeness.training.check_manifest`."
        )

    def _example(self, position: int, place: int, generator: np.random.Generator, passed_over: list[str]) -> Example:
        row = self._row(place)
        frame = frame_row(row, self._wanted.size)
        photo = Photo(partial(self._read, place), row)
        people = tuple(
            self._person(place, person, photo, frame, generator, passed_over) for person in shown(row, frame)
        )
        key = hashlib.sha256(f"{photo.digest} {frame}".encode()).hexdigest()
        return Example(
            position=position,
            row_id=row.id,
            key=key,
            pixels=None if self.is_cached(key) else frame.picture(photo.picture),
            caption=row.caption,
            facial_caption=row.facial_caption,
            sizes=frame.conditioning,
            people=people,
            passed_over=tuple(passed_over),
        )

    def _person(
        self,
        place: int,
        person: PersonRow,
        photo: Photo,
        frame: Frame,
        generator: np.random.Generator,
        passed_over: list[str],
    ) -> ShownPerson:
        own = self._crop(photo, person)
        other = own
        if generator.random() < self._swap_identity and person.identity:
            other = self._another(place, person, photo, generator, passed_over)
        x0, y0, x1, y1 = frame.box(face_box(person))
        return ShownPerson(
            box=(x0 / frame.size, y0 / frame.size, x1 / frame.size, y1 / frame.size),
            points=frame.points(np.array(person.points)) / frame.size,
            structure=own,
            intrinsic=other,
            parse=frame.map(photo.map(person.parse)) if self._with_parse and person.parse else None,
        )

    def _crop(self, photo: Photo, person: PersonRow) -> Crop:
        points = person.points or ()
        key = crop_key(photo.digest, points)
        return Crop(key, None if self.is_cached(key) else crop_face(photo.picture, points))

    def _another(
        self, place: int, person: PersonRow, photo: Photo, generator: np.random.Generator, passed_over: list[str]
    ) -> Crop:
        """The person in another picture; in this one, changed, if there is no other that can be read."""
        others = [other for other in self._index.identities.get(person.identity or "", ()) if other != place]
        for other in generator.permutation(others).tolist():
            try:
                row = self._row(other)
                found = next(
                    one for one in row.persons if one.identity == person.identity and can_be_aligned(one.points)
                )
                return self._crop(Photo(partial(self._read, other), row), found)
            except (OSError, BadImageError) as error:
                passed_over.append(str(error))
        return Crop(None, crop_changed(photo.picture, person.points or (), generator))

    def _row(self, place: int) -> Row:
        return self._source.row(self._index.numbers[place])

    def _read(self, place: int, name: str) -> bytes:
        return self._source.read(self._index.numbers[place], name)


def load_batches(dataset: PictureDataset, batches: Batches, *, workers: int) -> Iterator[tuple[Example, ...]]:
    """Read batches ahead in worker processes.

    Args:
        dataset: the pictures.
        batches: which positions; where they begin is where a run goes on.
        workers: processes; 0 reads in this one. Their number changes nothing but the speed.

    Yields:
        The examples of one batch after the other. What had to be passed over is logged.
    """
    loader: DataLoader[Example] = DataLoader(dataset, batch_sampler=batches, num_workers=workers, collate_fn=tuple)
    for examples in loader:
        for example in examples:
            for fault in example.passed_over:
                logger.warning("Passed over at position %d: %s", example.position, fault)
        yield examples
