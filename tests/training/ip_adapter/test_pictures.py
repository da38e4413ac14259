"""IP-Adapter FaceID's data: the face as the recogniser sees it, cut out of the whole picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from likeness.dataset.pictures import decode_picture
from likeness.dataset.rows import ManifestRows
from likeness.models.face.alignment import align
from likeness.tests.training.small_pictures import person, png, row, write_manifest, write_pictures
from likeness.training.batches.index import Wanted
from likeness.training.ip_adapter.pictures import FaceDataset

ONE = Wanted(split="train", size=64, fewest=1, most=1)


def dataset(folder, rows, **options):
    write_pictures(folder, rows)
    return FaceDataset(ManifestRows(write_manifest(folder, rows)), ONE, seed=0, **options)


def test_the_face_is_aligned_to_the_recognisers_square(tmp_path):
    entry = person()
    [face] = dataset(tmp_path, [row(1, entry)])[0].people
    assert (face.pixels.shape, face.pixels.dtype) == ((112, 112, 3), np.uint8)
    whole = np.asarray(decode_picture(png(1), "a"))
    assert np.array_equal(face.pixels, align(whole, np.array(entry["kps"]), 112))


def test_a_face_has_one_name_for_its_picture_and_points(tmp_path):
    rows = [row(1), row(2), row(3, person(x=25))]
    keys = {example.row_id: example.people[0].key for example in map(dataset(tmp_path, rows).__getitem__, range(3))}
    assert len(set(keys.values())) == 3
    again = dataset(tmp_path, rows, is_cached=lambda key: key == keys["000002"])
    found = {example.row_id: example.people[0].pixels is None for example in map(again.__getitem__, range(3))}
    assert found == {"000001": False, "000002": True, "000003": False}
