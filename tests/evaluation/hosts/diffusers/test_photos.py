"""People of a protocol as methods take them: the first photos of each, looked at once, the largest face theirs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from likeness.evaluation.hosts.diffusers.photos import Album
from likeness.evaluation.protocol.people import PersonFolder
from likeness.models.errors import NoFaceFoundError
from likeness.tests.evaluation.small_kit import Squares
from PIL import Image

SIDE = 64


@dataclass(frozen=True)
class Counting(Squares):
    """Notes how many pictures it sees."""

    seen: list[int] = field(default_factory=list, compare=False)

    def find(self, pictures):
        self.seen.append(len(pictures))
        return super().find(pictures)


def person(folder, name, *colours):
    (folder / name).mkdir()
    paths = []
    for number, colour in enumerate(colours):
        paths.append(folder / name / f"{number}.png")
        Image.fromarray(np.full((SIDE, SIDE, 3), colour, np.uint8)).save(paths[-1])
    return PersonFolder(name, "person", tuple(paths))


@pytest.mark.parametrize(("count", "photos"), [(1, 1), (2, 2), (9, 3)])
def test_the_first_photos_count(tmp_path, count, photos):
    ada = person(tmp_path, "ada", 50, 100, 150)
    [found] = Album(Squares(), count).people((ada,))
    assert found.name == "ada"
    assert [photo.picture[0, 0, 0] for photo in found.photos] == [50, 100, 150][:photos]
    assert found.has_face
    assert not any(photo.is_chosen for photo in found.photos)


def test_nobody_is_looked_at_twice(tmp_path):
    ada, ben = person(tmp_path, "ada", 51), person(tmp_path, "ben", 151)
    detector = Counting(key="counting")
    album = Album(detector, 1)
    for pair in ((ada, ben), (ben, ada), (ada,)):
        assert [each.name for each in album.people(pair)] == [each.name for each in pair]
    assert len(detector.seen) == 2


def test_a_photo_without_a_face_is_told(tmp_path):
    with pytest.raises(NoFaceFoundError):
        Album(Squares(), 1).people((person(tmp_path, "ada", 0),))
