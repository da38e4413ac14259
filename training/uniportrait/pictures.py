"""The data set of UniPortrait: pictures with aligned crops of their people's faces."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ...dataset.manifest import PersonRow
from ...dataset.photo import Photo
from ...dataset.rows import RowSource
from ...models.errors import BadImageError
from ..batches.examples import Crop, ShownPerson
from ..batches.face_crops import can_be_aligned, crop_and_augment, crop_face, crop_key, face_box
from ..batches.index import Wanted
from ..batches.row_dataset import RowDataset, Seen, nothing_is_cached


class PictureDataset(RowDataset[ShownPerson]):
    """Pictures with aligned crops of their people's faces.

    Args:
        source, wanted, seed, is_cached: see `RowDataset`.
        swap_identity: how often the intrinsic branch sees another picture of a labelled person, 0–1; somebody of whom
            there is only one is seen in it changed.
        with_parse: whether to read the face parsing maps.

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
        super().__init__(source, wanted, seed=seed, is_cached=is_cached)
        self._swap_identity, self._with_parse = swap_identity, with_parse

    def _people(self, seen: Seen) -> tuple[ShownPerson, ...]:
        return tuple(self._person(seen, person) for person in seen.people)

    def _person(self, seen: Seen, person: PersonRow) -> ShownPerson:
        frame, own = seen.frame, self._crop(seen.photo, person)
        other = own
        if seen.generator.random() < self._swap_identity and person.identity:
            other = self._another(seen, person)
        return ShownPerson(
            box=frame.shares(face_box(person)),
            points=frame.points(np.array(person.points)) / frame.size,
            structure=own,
            intrinsic=other,
            parse=frame.map(seen.photo.map(person.parse)) if self._with_parse and person.parse else None,
        )

    def _crop(self, photo: Photo, person: PersonRow) -> Crop:
        points = person.points or ()
        key = crop_key(photo.digest, points)
        return Crop(key, None if self.is_cached(key) else crop_face(photo.picture, points))

    def _another(self, seen: Seen, person: PersonRow) -> Crop:
        """The person in another picture; in this one, changed, if there is no other that can be read."""
        others = [other for other in self._index.identities.get(person.identity or "", ()) if other != seen.place]
        for other in seen.generator.permutation(others).tolist():
            try:
                row = self._row(other)
                found = next(
                    one for one in row.persons if one.identity == person.identity and can_be_aligned(one.points)
                )
                return self._crop(Photo(partial(self._read, other), row), found)
            except (OSError, BadImageError) as error:
                seen.passed_over.append(str(error))
        return Crop(None, crop_and_augment(seen.photo.picture, person.points or (), seen.generator))
