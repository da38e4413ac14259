from pathlib import Path

import pytest
from likeness.tools import setup_venv
from likeness.tools.comfyui.folders import ComfyFolder


@pytest.fixture
def installs(tmp_path, monkeypatch) -> list[list[str]]:
    """A repository of a few files, and every call of pip written down instead of made."""
    calls: list[list[str]] = []
    for name in setup_venv.SOURCES:
        (tmp_path / name).write_text("x\n")
    monkeypatch.setattr(setup_venv, "REPOSITORY", tmp_path)
    monkeypatch.setattr(setup_venv, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(setup_venv, "_pip", lambda python, *arguments: calls.append([str(part) for part in arguments]))
    monkeypatch.setattr(setup_venv.venv, "create", _create)
    return calls


def _create(environment: Path, *, with_pip: bool) -> None:
    python = setup_venv._python(environment)
    python.parent.mkdir(parents=True)
    python.touch()


def test_a_second_run_only_looks(installs):
    assert setup_venv.make_environment()
    assert not setup_venv.make_environment()
    assert len(installs) == 2
    assert {"-e", "-r"} <= set(installs[0])


def test_what_would_bring_a_second_opencv_comes_alone(installs, tmp_path):
    setup_venv.make_environment()
    assert installs[-1] == ["--no-deps", "-r", str(tmp_path / "requirements-pyiqa.txt")]
    assert str(tmp_path / "requirements-pyiqa.txt") not in installs[0]


def test_a_changed_list_is_installed_again(installs, tmp_path):
    setup_venv.make_environment()
    (tmp_path / "requirements.txt").write_text("y\n")
    assert setup_venv.make_environment()


def test_a_broken_off_install_is_taken_up_again(installs, monkeypatch):
    def broken(*arguments):
        raise SystemExit("no network")

    with monkeypatch.context() as patch:
        patch.setattr(setup_venv, "_pip", broken)
        with pytest.raises(SystemExit):
            setup_venv.make_environment()
    assert setup_venv.make_environment()


def test_a_thin_environment_sees_the_other_and_installs_only_comfyuis_list(installs, tmp_path, monkeypatch):
    monkeypatch.setattr(setup_venv, "_site_packages", lambda environment: environment)
    monkeypatch.setattr("likeness.tools.comfyui.folders.REPOSITORY", tmp_path)
    comfyui = tmp_path / "ComfyUI"
    comfyui.mkdir()
    (comfyui / "requirements.txt").write_text("frontend==1\n")
    folder = ComfyFolder(path=comfyui, version="0.4.0")
    setup_venv.make_environment()
    assert setup_venv.make_comfy(folder)
    assert not setup_venv.make_comfy(folder)
    assert installs[2:] == [["-r", str(comfyui / "requirements.txt")]]
    link = (tmp_path / ".venv-comfy-0.4.0" / "likeness-venv.pth").read_text()
    assert f"addsitedir({str(tmp_path / '.venv')!r})" in link
    (comfyui / "requirements.txt").write_text("frontend==2\n")
    assert setup_venv.make_comfy(folder)
