"""References by name: the right face of the right row, and every wrong name at once."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.dataset.pictures import decode_picture
from likeness.dataset.rows import ManifestRows, ShardRows
from likeness.models.errors import ConfigError
from likeness.tests.training.small_pictures import (
    person,
    png,
    row,
    sample,
    write_manifest,
    write_pictures,
    write_shard,
)
from likeness.training.batches.face_crops import crop_face
from likeness.training.references import find_references

LEFT, RIGHT = person(4, 16, 28), person(44, 16, 28)
WITHOUT_POINTS = person(kps=None)


def crop_of(number: int, who) -> np.ndarray:
    return crop_face(decode_picture(png(number), "a"), tuple((x, y) for x, y in who["kps"]))


@pytest.fixture
def people(tmp_path):
    """A function: rows to a source of them with their pictures."""

    def make(*rows):
        write_pictures(tmp_path, rows)
        return ManifestRows(write_manifest(tmp_path, rows))

    return make


def test_names_lead_to_faces_in_the_order_of_the_names(people):
    source = people(row(1, LEFT, RIGHT), row(2, LEFT, split="test"))
    found = find_references(source, ["000002#0", "000001#1", "000001"])
    assert [one.name for one in found] == ["000002#0", "000001#1", "000001"]
    for one, (number, who) in zip(found, [(2, LEFT), (1, RIGHT), (1, LEFT)], strict=True):
        assert one.crop.shape == (224, 224, 3)
        assert np.array_equal(one.crop, crop_of(number, who))


def test_a_bare_id_is_the_first_who_can_be_aligned(people):
    coinciding = person(kps=[[30 + step * 1e-5, 30] for step in range(5)])
    [found] = find_references(people(row(1, WITHOUT_POINTS, coinciding, RIGHT)), ["000001"])
    assert np.array_equal(found.crop, crop_of(1, RIGHT))


def test_an_id_may_hold_the_sign_itself(people):
    source = people(row(1, LEFT, RIGHT), row(2, image="img/000002.png"))
    manifest = source.path.read_text()
    source.path.write_text(manifest.replace('"id": "000001"', '"id": "a#b"').replace('"id": "000002"', '"id": "a#1"'))
    found = find_references(source, ["a#b", "a#b#1", "a#1#0"])
    expected = [crop_of(1, LEFT), crop_of(1, RIGHT), crop_of(2, person())]
    assert all(np.array_equal(one.crop, crop) for one, crop in zip(found, expected, strict=True))


def test_all_faults_are_told_at_once(people, tmp_path):
    source = people(
        row(1, LEFT, WITHOUT_POINTS), row(2), row(3), row(4, w=96), row(5, WITHOUT_POINTS), row(6, aes=99), row(7)
    )
    (tmp_path / "img/000002.png").unlink()
    (tmp_path / "img/000003.png").write_bytes(b"no picture")
    names = ["000001", "000001#1", "000001#2", "000002", "000003", "000004", "000005", "000006", "nobody", "000007"]
    with pytest.raises(ConfigError) as caught:
        find_references(source, names)
    expected = [
        '"000001#1": there is nobody with five usable face points; name somebody else.',
        '"000001#2": the row has 2 persons, counted from 0; name one of them.',
        '"000002": img/000002.png cannot be read (No such file or directory); put it there or name somebody else.',
        '"000003": img/000003.png cannot be decoded (no picture that Pillow knows); save it again.',
        '"000004": img/000004.png has 80x64 pixels, but its row says 96x64; mend the row.',
        '"000005": there is nobody with five usable face points; name somebody else.',
        '"000006": no row without errors has the id "000006"; name one of the manifest.',
        '"nobody": no row without errors has the id "nobody"; name one of the manifest.',
    ]
    assert str(caught.value).splitlines() == [f"[samples] references names {line}" for line in expected]


def test_a_source_that_is_in_use_keeps_all_its_rows(tmp_path):
    """Shards forget the rows behind the place where a scan stops."""
    write_shard(tmp_path / "a.tar", [sample(1), sample(2), sample(3)])
    source = ShardRows(["a.tar"], tmp_path)
    numbers = [number for number, _ in source.scan()]
    [found] = find_references(source, ["000001"])
    assert np.array_equal(found.crop, crop_of(1, person()))
    assert [source.row(number).id for number in numbers] == ["000001", "000002", "000003"]
