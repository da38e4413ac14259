"""A method registers itself: a folder of its name in each room is found in all of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from likeness.models.methods import METHODS, wings

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("models", "training", "diffusers_host", "dataset", "tools", "miniature", "evaluation")
WING = {
    "models/throwaway/__init__.py": "",
    "models/throwaway/checkpoint.py": """
from ..weights.state_dict import Signature

FOLDERS = ("throwaway",)
FILES = (Signature(kind="throwaway", description="a throw-away file", has=(r"throwaway\\\\.",)),)
""",
    "training/throwaway/__init__.py": "",
    "training/throwaway/assembly.py": """
from dataclasses import replace

from ..uniportrait.assembly import METHODS as OTHERS

METHODS = OTHERS[:1]
""",
    "tools/workflows/throwaway.py": """
from .workflow import Workflow

WORKFLOWS = {"Throw-away - one person": Workflow(lambda graph: None, lambda: None)}
""",
}
SEEN = """
import sys

sys.path.insert(0, sys.argv[1])
from likeness.models.weights.signatures import known_files
from likeness.models.methods import wings
import likeness.models

assert any(signature.kind == "throwaway" for signature in known_files()), "no signature"
assert "throwaway" in [folder for wing in wings("likeness.models", "checkpoint") for folder in wing.FOLDERS], "no folder"
from likeness.training.methods import METHODS

assert len(METHODS) == int(sys.argv[2]) + 1, "no training method"
from likeness.tools.workflows.write import WORKFLOWS

assert "Throw-away - one person" in WORKFLOWS, "no workflow"
"""


@pytest.fixture
def pack(tmp_path):
    """A copy of the pack's rooms that need no ComfyUI, with one more method in it: one line changed, the rest its own."""
    copy = tmp_path / "likeness"
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    shutil.copytree(ROOT / "models" / "weights", copy / "models" / "weights", dirs_exist_ok=True)
    shutil.copytree(ROOT / "tools" / "weights", copy / "tools" / "weights", dirs_exist_ok=True)
    shutil.copyfile(ROOT / "__init__.py", copy / "__init__.py")
    for name, text in WING.items():
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(text, encoding="utf-8")
    registry = copy / "models" / "methods.py"
    line = f"METHODS = {METHODS!r}".replace("'", '"')
    text = registry.read_text(encoding="utf-8")
    assert text.count(line) == 1
    registry.write_text(text.replace(line, line[:-1] + ', "throwaway")'), encoding="utf-8")
    return copy


def test_a_further_method_is_one_line_outside_its_folders(pack):
    pytest.importorskip("diffusers")
    from likeness.training.methods import METHODS as TRAINED

    command = [sys.executable, "-c", SEEN, str(pack.parent), str(len(TRAINED))]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=pack.parent)
    assert run.returncode == 0, run.stderr


def test_wings_come_in_the_order_of_the_methods_and_may_be_missing():
    found = [wing.__name__ for wing in wings("likeness.models", "checkpoint")]
    assert found == [f"likeness.models.{method}.checkpoint" for method in METHODS]
    assert wings("likeness.models", "no such module") == []
    assert wings("likeness.models.face") == []
