from __future__ import annotations

import torch
from likeness.models.records.archive import RunArchive, RunRecord, content_hash
from likeness.models.records.placements import PlacementMaps


def record(share):
    return RunRecord(placements=PlacementMaps(("ann",), torch.full((1, 1, 2, 2), share)))


def test_the_archive_forgets_the_oldest_of_nine():
    archive = RunArchive()
    for place in range(9):
        archive.file(torch.full((1, 4, 2, 2), float(place)), record(place / 8))
    assert archive.find(torch.full((1, 4, 2, 2), 8.0).half()).placements.maps[0, 0, 0, 0] == 1
    assert archive.find(torch.zeros(1, 4, 2, 2)).placements is None
    assert len(archive.kept) == 8


def test_nothing_recorded_is_not_filed():
    archive = RunArchive()
    archive.file(torch.zeros(1), RunRecord())
    assert not archive.kept


def test_hashes_tell_shapes_apart():
    assert content_hash(torch.zeros(1, 4)) != content_hash(torch.zeros(2, 2))
