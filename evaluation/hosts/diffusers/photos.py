"""People of a protocol as methods take them: the first photos of each, with the faces that are theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ....models.face.analysis import analyze
from ....models.people.person import People, Person
from ....models.people.photo import photos_of
from ....models.people.remembered import RememberedDetector
from ....models.port.encoders import FaceDetector
from ...photos import read_photo
from ...protocol.people import PersonFolder


@dataclass(frozen=True, eq=False, slots=True)
class Album:
    """Photos and who is in them, looked at once.

    Attributes:
        detector: finds faces; of several in a photo the largest is the person's.
        count: how many of a person's photos count.
    """

    detector: FaceDetector
    count: int
    _known: dict[tuple[Path, ...], Person] = field(default_factory=dict[tuple[Path, ...], Person])

    def people(self, folders: tuple[PersonFolder, ...]) -> People:
        """Some people, in their order.

        Raises:
            NoFaceFoundError: if a photo shows no face.
            BadImageError: if it cannot be read.
        """
        chain = People()
        for folder in folders:
            chain = chain.add(self._person(folder))
        return chain

    def _person(self, folder: PersonFolder) -> Person:
        paths = folder.photos[: self.count]
        if paths not in self._known:
            detector = RememberedDetector(self.detector)
            faces = analyze([read_photo(path) for path in paths], detector)
            self._known[paths] = Person(name=folder.name, photos=photos_of(faces, detector, is_chosen=False))
        return self._known[paths]
