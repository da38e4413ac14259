"""The doctor as users start it: by its path in a release, whose folder is no Python name."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from likeness.models.uniportrait.needs import FACEID
from likeness.tests.models.doctor import small_hub as hubs
from likeness.tests.models.doctor.small_models import faceid, put


@dataclass
class Ended:
    """How the command ended."""

    code: int
    out: str
    errors: str


@pytest.fixture
def run(shipped_pack, tmp_path):
    """Runs the command of an unpacked release from another folder, with a clean environment."""

    def command(*arguments, **environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HF_", "LIKENESS"))}
        made = subprocess.run(
            [sys.executable, str(shipped_pack / "models_doctor.py"), *arguments],
            capture_output=True, text=True, check=False, cwd=tmp_path, env={**kept, **environment},
        )  # fmt: skip
        return Ended(made.returncode, made.stdout, made.stderr)

    return command


def test_it_runs_from_a_release_and_writes_nothing(run, tmp_path):
    put(tmp_path, "models/uniportrait/x.bin", faceid())
    ended = run("--models", "models", "--json")
    assert ended.code == 0, ended.errors
    assert [file["name"] for file in json.loads(ended.out)["files"]] == ["x.bin"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["x.bin"]


def test_it_runs_from_its_own_folder_beside_nodes_and_models(shipped_pack, tmp_path):
    command = [sys.executable, "models_doctor.py", "--models", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=shipped_pack)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("# Model files for everything")


def test_without_a_comfyui_it_asks_for_the_folder(run):
    ended = run()
    assert ended.code == 1
    assert "give ComfyUI's models folder with --models" in ended.errors


def test_a_missing_package_is_one_sentence(run, tmp_path):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")
    ended = run("--models", ".", PYTHONPATH=str(tmp_path / "hidden"))
    assert ended.code == 1
    assert ended.errors.startswith("The package torch is not there for ")
    assert len(ended.errors.splitlines()) == 1


def test_a_download_without_huggingface_hub_says_what_to_install(run, tmp_path):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text("import sys\nsys.modules['huggingface_hub'] = None\n")
    ended = run("--models", ".", "download", FACEID.name, PYTHONPATH=str(tmp_path / "hidden"))
    assert ended.code == 1
    assert "pip install huggingface_hub" in ended.errors
    assert "Traceback" not in ended.errors


def test_a_download_honours_the_endpoint(run, tmp_path, monkeypatch):
    put(tmp_path, "small.safetensors", faceid())
    content = (tmp_path / "small.safetensors").read_bytes()
    monkeypatch.setattr(hubs, "REPOSITORY", FACEID.repository)
    monkeypatch.setattr(hubs, "PATH", FACEID.path)
    with hubs.small_hub(content) as hub:
        ended = run("--models", ".", "download", FACEID.name, HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="0")
        again = run("--models", ".", "download", FACEID.name, HF_ENDPOINT=hub.url)
    target = tmp_path / "uniportrait" / FACEID.name
    assert ended.code == 0, ended.errors
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(content).digest()
    assert "the one that the server states" in ended.out
    assert again.code == 1
    assert "is there already" in again.errors


def test_offline_stays_offline(run):
    ended = run("--models", ".", "download", FACEID.name, HF_HUB_OFFLINE="1")
    assert ended.code == 1
    assert "HF_HUB_OFFLINE is set" in ended.errors


def test_the_users_archive_holds_it(shipped_files):
    assert Path("models_doctor.py").as_posix() in shipped_files
