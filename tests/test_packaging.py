"""pyproject.toml tells the truth about the tree, and says what the Comfy Registry asks for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    from setuptools._vendor import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = ("dataset", "diffusers_host", "evaluation", "host", "miniature", "models", "nodes", "training")


def test_every_package_of_the_rooms_is_installed():
    code = (
        "from setuptools._distutils.core import run_setup\n"
        "print('\\n'.join(run_setup('setup.py', stop_after='init').packages))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    folders = {file.parent for room in ROOMS for file in (ROOT / room).rglob("*.py")}
    expected = ["likeness", *(".".join(["likeness", *folder.relative_to(ROOT).parts]) for folder in sorted(folders))]
    assert sorted(run.stdout.split()) == sorted(expected)


def test_every_package_has_an_init_file():
    folders = {file.parent for room in ROOMS for file in (ROOT / room).rglob("*.py")}
    assert not [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").is_file()]


def test_dependencies_are_read_from_the_requirements():
    assert "dependencies" in SETTINGS["project"]["dynamic"]
    assert SETTINGS["tool"]["setuptools"]["dynamic"]["dependencies"]["file"] == ["requirements.txt"]


def test_the_registry_finds_what_it_needs():
    comfy, project = SETTINGS["tool"]["comfy"], SETTINGS["project"]
    assert comfy["PublisherId"]
    assert comfy["DisplayName"]
    assert comfy["requires-comfyui"] == ">=0.3.64"
    assert "comfyui" not in project["name"].lower()
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])


def test_the_registry_links_to_pages_below_the_repository():
    urls = SETTINGS["project"]["urls"]
    assert urls.keys() == {"Repository", "Documentation", "Issues"}
    assert all(url.startswith(urls["Repository"]) for url in urls.values())
    _, path = urls["Documentation"].split("/blob/main/")
    assert (ROOT / path).is_file()


def test_web_files_are_registered_once():
    """ComfyUI would serve the folder a second time under another name, and run every script twice."""
    assert "web" not in SETTINGS["tool"]["comfy"]
    assert re.search(r"^WEB_DIRECTORY = ", (ROOT / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE", "README.md", "CONTRIBUTING.md", "docs/nodes.md"])
def test_the_papers_of_the_house_are_there(name):
    assert (ROOT / name).stat().st_size > 0


def test_the_licence_is_apache():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert SETTINGS["project"]["license"] == "Apache-2.0"
