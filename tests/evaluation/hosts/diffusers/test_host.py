"""A whole run on diffusers: goes on where it was, and is the same on Ray."""

from __future__ import annotations

import json

import pytest
from likeness.evaluation.running.run import run
from likeness.evaluation.running.work import Work
from likeness.evaluation.running.workers import RayWorkers, ThisProcess
from likeness.models.errors import MissingPackageError
from likeness.tests.evaluation.hosts.diffusers.small_models import HOME, KIT, write_protocol
from likeness.tests.evaluation.running.test_run import results


def test_a_run_goes_on_where_it_was_and_draws_nothing_again(tmp_path, models):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
        write_protocol(folder, models, "ip_adapter")
    run(whole / "p.toml", KIT, ThisProcess())
    began = Work.begin(broken / "p.toml", KIT)
    began.draw([0, 2], lambda: None)
    kept = {path: path.stat().st_mtime_ns for path in (broken / "run" / "pictures").iterdir()}
    report = run(broken / "p.toml", KIT, ThisProcess())
    assert results(broken / "run") == results(whole / "run")
    assert len(kept) == 2
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    told = json.loads((broken / "run" / "report.json").read_text())
    assert (told["host"], told["pictures"]) == ("diffusers", 4)
    assert "drawn by diffusers" in report.read_text()


def test_pictures_of_other_files_are_drawn_again(tmp_path, models):
    run(write_protocol(tmp_path, models, "ip_adapter"), KIT, ThisProcess())
    first = results(tmp_path / "run")
    run(write_protocol(tmp_path, models, "ip_adapter", strength=0.1), KIT, ThisProcess())
    assert results(tmp_path / "run")["pictures/0000-000-0.png"] != first["pictures/0000-000-0.png"]


@pytest.mark.slow
def test_two_workers_give_what_one_process_gives(tmp_path, models):
    ray = pytest.importorskip("ray")
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        write_protocol(folder, models, "uniportrait")
    run(one / "p.toml", KIT, ThisProcess())
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        run(other / "p.toml", KIT, RayWorkers.connect(HOME))
    finally:
        ray.shutdown()
    assert results(other / "run") == results(one / "run")


def test_without_diffusers_the_package_is_named(tmp_path, models, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "diffusers", None)
    with pytest.raises(MissingPackageError, match="Drawing on diffusers needs the package diffusers"):
        Work.begin(write_protocol(tmp_path, models, "none"), KIT)
