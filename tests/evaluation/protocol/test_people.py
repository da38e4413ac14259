"""People are folders of photos."""

from __future__ import annotations

from likeness.evaluation.protocol.people import find_people
from likeness.evaluation.protocol.sections import PeopleConfig
from likeness.tests.evaluation.small_kit import write_people


def test_photos_stand_in_the_order_of_their_names_and_other_files_are_passed_over(tmp_path):
    write_people(tmp_path, ["ben"])
    for name in ("z.JPG", "a.webp", "note.txt"):
        (tmp_path / "ben" / name).touch()
    (tmp_path / ".cache").mkdir()
    [ben], faults = find_people(PeopleConfig(folder=tmp_path))
    assert [photo.name for photo in ben.photos] == ["a.webp", "photo.png", "z.JPG"]
    assert faults == []


def test_some_people_are_taken_alone(tmp_path):
    write_people(tmp_path)
    people, faults = find_people(PeopleConfig(folder=tmp_path, only=("cleo", "ada")))
    assert [person.name for person in people] == ["ada", "cleo"]
    assert faults == []


def test_who_is_not_there_or_has_no_photo_is_told(tmp_path):
    write_people(tmp_path, ["ada"])
    (tmp_path / "dan").mkdir()
    _, faults = find_people(PeopleConfig(folder=tmp_path, only=("ada", "dan", "eve")))
    assert faults == [
        f'[people] only names "eve", but {tmp_path} has no such folder.',
        f'[people] folder {tmp_path} has no photo of "dan"; put one in, or leave them out.',
    ]
