"""The photos and the configuration that are trained on, and what is read from the run's log."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytest.importorskip("tensorboard")

from likeness.benchmarks.training import waiting
from likeness.benchmarks.training.waiting import pictures_per_second, shares, write_photos
from likeness.dataset.rows import ManifestRows
from likeness.training.config.file import read_config
from likeness.training.methods import CONFIGS
from PIL import Image


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(waiting, "PHOTOS", 2)
    write_photos(tmp_path)
    return tmp_path


def test_every_photo_is_a_row_with_a_face_inside(folder):
    rows = ManifestRows(folder / "manifest.jsonl")
    numbers = [number for number, _ in rows.scan()]
    assert len(numbers) == 2
    for number in numbers:
        row = rows.row(number)
        [person] = row.persons
        left, top, right, bottom = person.box
        assert person.points
        assert all(left <= x <= right and top <= y <= bottom for x, y in person.points)
    with Image.open(folder / "0.jpg") as picture:
        assert picture.size == (1024, 1024)
    assert (folder / "0.jpg").read_bytes() != (folder / "1.jpg").read_bytes()


def test_reading_goes_through_all_photos(folder):
    assert pictures_per_second(folder, 64) > 0


@pytest.fixture
def configs(folder, monkeypatch):
    """The configurations that the trainer got; it writes a log of three steps, the first of them slow."""
    from torch.utils.tensorboard import SummaryWriter

    read = []

    def run(command, **_):
        config = read_config(command[-1], CONFIGS)
        read.append(config)
        with SummaryWriter(str(config.run.output / "logs" / "likeness")) as log:
            for step, (waiting, encoding, seconds) in enumerate([(0.9, 0.8, 60.0), (0.02, 0.1, 2.0), (0.04, 0.3, 4.0)]):
                log.add_scalar("waiting_for_data", waiting, step)
                log.add_scalar("encoding", encoding, step)
                log.add_scalar("seconds_per_step", seconds, step)
        return subprocess.CompletedProcess(command, 0)

    def make(weights):
        file = folder / weights.name
        file.touch()
        return file

    monkeypatch.setattr(waiting, "make", make)
    monkeypatch.setattr(waiting.subprocess, "run", run)
    return read


@pytest.mark.parametrize(("cache", "kept"), [("none", "none"), ("empty", "cache"), ("full", "cache")])
def test_the_shares_are_means_without_the_first_step(folder, configs, cache, kept):
    assert shares(folder, cache, 256, 4, 0) == pytest.approx((0.03, 0.2, 3.0))
    [config] = configs
    assert config.name == "uniportrait-stage1"
    assert (config.run.steps, config.data.size, config.data.workers) == (4, 256, 0)
    assert config.data.manifest == folder / "manifest.jsonl"
    assert config.data.cache == (kept if kept == "none" else folder / kept)
