"""What the pack adds to the page takes nothing from outside, writes text and no HTML, and begins at one place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "web" / "js"
SCRIPTS = sorted(FOLDER.rglob("*.js"))
START = "likeness.js"
# What makes HTML or a program of a text; names and messages of users are such texts.
DANGEROUS = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function|srcdoc)\b")
NAMESPACES = re.compile(r"http://www\.w3\.org/[\w/]+")
MOST_LINES = 350

every_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)


@every_script
def test_texts_are_never_read_as_html_or_code(script: Path):
    assert DANGEROUS.findall(script.read_text("utf-8")) == []


@every_script
def test_nothing_is_loaded_from_elsewhere(script: Path):
    text = NAMESPACES.sub("", script.read_text("utf-8"))
    assert re.findall(r"https?://\w+", text) == []
    imported = re.findall(r'\b(?:from|import)\s*\(?\s*"([^"]+)"', text)
    assert [path for path in imported if not path.startswith(("./", "../../../scripts/"))] == []


@every_script
def test_only_one_script_registers_anything(script: Path):
    assert ("registerExtension(" in script.read_text("utf-8")) == (script.name == START)


@every_script
def test_scripts_are_short(script: Path):
    assert len(script.read_text("utf-8").splitlines()) <= MOST_LINES


def test_a_script_that_writes_html_is_noticed():
    assert DANGEROUS.search("box.innerHTML = name;")
    assert not DANGEROUS.search("box.textContent = name;")
