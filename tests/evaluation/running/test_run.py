"""A run that was killed three times gives the same report as one that was not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from likeness.evaluation.kit import Kit
from likeness.evaluation.metrics.metric import MetricKind
from likeness.evaluation.protocol.sections import MetricConfig
from likeness.evaluation.running.run import run
from likeness.evaluation.running.workers import ThisProcess
from likeness.models.errors import ConfigError, MissingPackageError
from likeness.tests.evaluation.small_kit import FACES, HOME, KIT, write

METRICS = (
    f'[[metric]]\nkind = "brightness"\n[[metric]]\nkind = "distance"\n[[metric]]\nkind = "blending"\n{FACES}'
    '[[paper]]\nname = "P"\nsource = "table 1"\nrecogniser = "others"\nvalues = {face_similarity = 0.5, brightness = 0.2}\n'
)
CODE = f"from likeness.evaluation.command import main; import sys; sys.exit(main(home={HOME!r}, program='kit'))"


def results(folder):
    """All files that a run leaves, but for what was kept while it ran."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def command(path):
    return subprocess.run([sys.executable, "-c", CODE, str(path)], capture_output=True, text=True, check=False)


def test_three_kills_change_nothing(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
        write(folder, {"drawing": 'host = "painter"\nlog = "log.txt"\n'}, more=METRICS)
    run(whole / "p.toml", KIT, ThisProcess())
    for _ in range(3):
        path = write(broken, {"drawing": 'host = "painter"\nlog = "log.txt"\ndies_after = 3\n'}, more=METRICS)
        assert command(path).returncode == -signal.SIGKILL
    pictures = broken / "run" / "pictures"
    (pictures / "0000-000-1.png").write_bytes(
        (pictures / "0000-000-1.png").read_bytes()[:300]
    )  # as a full disk leaves it
    (pictures / ".0002-001-1.png.1.part").write_bytes(b"half")
    found = command(write(broken, {"drawing": 'host = "painter"\nlog = "log.txt"\n'}, more=METRICS))
    assert found.returncode == 0, found.stderr
    assert "drawing: 8 of 12 pictures" in found.stderr
    assert results(broken / "run") == results(whole / "run")
    lines = (broken / "log.txt").read_text().split()
    assert len(lines) == 12 + 3 + 1  # one more for each kill, one for the file that was cut off


def test_a_report_has_every_metric_and_the_paper(tmp_path):
    report = run(write(tmp_path, more=METRICS), KIT, ThisProcess())
    told = json.loads((tmp_path / "run" / "report.json").read_text())
    columns = {each["label"]: each for each in told["columns"]}
    assert list(columns) == ["face_similarity", "brightness", "distance", "blending"]
    assert columns["blending"]["left_out"] == 12
    assert columns["blending"]["estimate"]["mean"] is None
    assert columns["face_similarity"]["estimate"]["low"] <= columns["face_similarity"]["estimate"]["mean"]
    assert "measured with others, here with colours: not comparable" in report.read_text()
    assert len(list((tmp_path / "run" / "sheets").iterdir())) == 3


def test_faults_are_told_before_anything_is_drawn(tmp_path):
    with pytest.raises(ConfigError):
        run(write(tmp_path, {"[metric]": 'kind = "weighed"\nweights = "none.pt"\n'}), KIT, ThisProcess())
    assert not (tmp_path / "run").exists()


def test_a_metric_that_cannot_be_read_is_told_before_anything_is_drawn(tmp_path):
    class Missing:
        @property
        def key(self):
            raise MissingPackageError("The metric needs a package.", name="package")

    broken = Kit(metrics={"brightness": MetricKind(section=MetricConfig, make=lambda config, networks: Missing())})
    with pytest.raises(MissingPackageError):
        run(write(tmp_path, more=METRICS), KIT.extended(broken), ThisProcess())
    assert not (tmp_path / "run").exists()
