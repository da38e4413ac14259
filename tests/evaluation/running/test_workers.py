"""Two workers of Ray give what one process gives."""

from __future__ import annotations

import pytest
from likeness.evaluation.running.run import run
from likeness.evaluation.running.workers import RayWorkers, ThisProcess
from likeness.models.errors import LikenessError, MissingPackageError
from likeness.tests.evaluation.running.test_run import METRICS, results
from likeness.tests.evaluation.small_kit import HOME, KIT, SIDE, write
from PIL import Image


@pytest.fixture(scope="module")
def two():
    """Two workers on a cluster of this machine."""
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield RayWorkers.connect(HOME)
    ray.shutdown()


@pytest.mark.slow
def test_two_workers_give_what_one_process_gives(tmp_path, two):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        write(folder, {"drawing": 'host = "painter"\nlog = "log.txt"\n'}, more=METRICS)
    run(one / "p.toml", KIT, ThisProcess())
    run(other / "p.toml", KIT, two)
    assert two.count == 2
    assert results(other / "run") == results(one / "run")
    lines = [(folder / "log.txt").read_text().split() for folder in (one, other)]
    assert sorted(lines[1]) == lines[0]


@pytest.mark.long
def test_workers_that_are_killed_again_and_again_are_told_and_what_is_finished_stays(tmp_path, two):
    path = write(tmp_path, {"drawing": 'host = "painter"\nlog = "log.txt"\ndies_after = 1\n'})
    with pytest.raises(LikenessError, match=r"A worker of Ray failed \(.*\); start again, and what is finished stays"):
        run(path, KIT, two)
    assert len(list((tmp_path / "run" / "pictures").glob("0*.png"))) >= 4  # Ray begins a task four times
    path = write(tmp_path, {"drawing": 'host = "painter"\nlog = "again.txt"\n'})
    run(path, KIT, two)
    assert len(list((tmp_path / "run" / "pictures").glob("0*.png"))) == 12
    assert len((tmp_path / "again.txt").read_text().split()) <= 8


@pytest.mark.long
def test_a_worker_s_sentence_comes_through(tmp_path, two):
    path = write(tmp_path)
    for person in ("ada", "ben", "cleo"):
        Image.new("RGB", (SIDE, SIDE)).save(tmp_path / "people" / person / "photo.png")
    with pytest.raises(LikenessError, match=r"^No face was found in a person's photo \(64×64 pixels\)"):
        run(path, KIT, two)


def test_without_ray_the_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingPackageError, match="--ray needs the package ray"):
        RayWorkers.connect(HOME)
