"""`make bench`: which programs run, with whose Python, and what the last line says."""

import subprocess
import sys

import pytest
from likeness.tools import run_benchmarks
from likeness.tools.comfyui.folders import ComfyFolder

PROGRAM = 'if __name__ == "__main__":\n    main()\n'


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Commands and environments of the programs that would have run; `bad` fails."""
    for name, text in {"good": PROGRAM, "bad": PROGRAM, "helper": "VALUE = 1\n"}.items():
        (tmp_path / f"{name}.py").write_text(text)
    ran = []

    def run(command, **options):
        ran.append((command, options["env"]))
        statuses = {"bad": 1, "elsewhere": 2}
        return subprocess.CompletedProcess(command, statuses.get(command[-1].rpartition(".")[2], 0))

    monkeypatch.setattr(run_benchmarks, "FOLDER", tmp_path)
    monkeypatch.setattr(run_benchmarks.subprocess, "run", run)
    monkeypatch.setattr(run_benchmarks, "find_comfy_folders", list)
    monkeypatch.delenv("LIKENESS_COMFYUI", raising=False)
    return ran


def test_programs_run_and_what_they_share_does_not(ran):
    run_benchmarks.main()
    assert [command[1:] for command, _ in ran] == [
        ["-m", "likeness.benchmarks.bad"],
        ["-m", "likeness.benchmarks.good"],
    ]


def test_programs_in_a_folder_run_too(ran, tmp_path):
    (tmp_path / "subject").mkdir()
    (tmp_path / "subject" / "inner.py").write_text(PROGRAM)
    run_benchmarks.main()
    assert [command[-1] for command, _ in ran][-1] == "likeness.benchmarks.subject.inner"


def test_one_that_fails_is_named_and_does_not_stop_the_others(ran, capsys):
    assert run_benchmarks.main() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "bench: 2 programs, failed: bad"


def test_all_is_well_where_none_fails(ran, tmp_path, capsys):
    (tmp_path / "bad.py").unlink()
    assert run_benchmarks.main() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "bench: 1 programs, all ran to the end"


def test_one_that_this_machine_cannot_run_is_named_and_is_no_failure(ran, tmp_path, capsys):
    (tmp_path / "elsewhere.py").write_text(PROGRAM)
    assert run_benchmarks.main() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "bench: 3 programs, failed: bad; not for this machine: elsewhere"
    (tmp_path / "bad.py").unlink()
    assert run_benchmarks.main() == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "bench: 2 programs, all ran to the end; not for this machine: elsewhere"


def test_the_newest_comfyui_gives_python_and_folder(ran, monkeypatch, tmp_path):
    newest, older = (ComfyFolder(path=tmp_path / version, version=version) for version in ("9.1", "8.7"))
    monkeypatch.setattr(run_benchmarks, "find_comfy_folders", lambda: [newest, older])
    run_benchmarks.main()
    assert {(command[0], env["LIKENESS_COMFYUI"]) for command, env in ran} == {(str(newest.python), str(newest.path))}


def test_without_comfyui_this_python_runs_them(ran):
    run_benchmarks.main()
    assert {command[0] for command, _ in ran} == {sys.executable}
    assert all("LIKENESS_COMFYUI" not in env for _, env in ran)


def test_the_real_folder_has_programs():
    programs = run_benchmarks.programs()
    assert {"parity", "unet_overhead", "guidance_cost", "training.steps"} <= set(programs)
    assert not {"paired_ratios", "training.methods"} & set(programs)
