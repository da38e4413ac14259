"""The requirement list leads to exactly one onnxruntime and one OpenCV."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
FAMILIES = {"onnxruntime": re.compile(r"(onnxruntime|ort)(-.+)?"), "OpenCV": re.compile(r"opencv-.+")}


def read_list(name: str) -> list[str]:
    """Read the requirement lines of a file, without comments."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def resolve(lines: Iterable[str], requires: Callable[[str], list[str]]) -> set[str]:
    """Follow a requirement list through the metadata of what is installed; gives all names it leads to."""
    names: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(Requirement(line), frozenset[str]()) for line in lines]
    while waiting:
        requirement, extras = waiting.pop()
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            continue
        name, wanted = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        names.add(name)
        waiting += [(Requirement(line), wanted) for line in requires(name)]
    return names


def installed_requires(name: str) -> list[str]:
    """The requirements of an installed package; one that is not installed here ends its branch."""
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def not_one_flavour(names: Iterable[str]) -> dict[str, list[str]]:
    """Every family that has not exactly one member among the names, with the members found."""
    found = {family: sorted(filter(pattern.fullmatch, names)) for family, pattern in FAMILIES.items()}
    return {family: members for family, members in found.items() if len(members) != 1}


def test_the_list_leads_to_one_onnxruntime_and_one_opencv():
    names = resolve(read_list("requirements.txt"), installed_requires)
    assert not_one_flavour(names) == {}
    assert {"onnxruntime", "opencv-python", "insightface", "facexlib", "mtcnn-runtime"} <= names


def test_the_environment_has_one_flavour_of_each():
    names = {canonicalize_name(found.metadata["Name"]) for found in importlib.metadata.distributions()}
    assert not_one_flavour(names) == {}


def test_everything_on_the_list_is_installed_in_a_version_it_allows():
    for line in read_list("requirements.txt"):
        requirement = Requirement(line)
        assert requirement.specifier.contains(importlib.metadata.version(requirement.name)), line


@pytest.mark.parametrize("added", ["onnxruntime-gpu", "opencv-python-headless", "opencv-contrib-python"])
def test_a_second_flavour_is_noticed(added):
    names = resolve([*read_list("requirements.txt"), added], installed_requires)
    (members,) = not_one_flavour(names).values()
    assert added in members


def test_a_second_flavour_deep_in_the_tree_is_noticed():
    tree = {"a": ["b[fast]; python_version >= '3'"], "b": ["onnxruntime; extra == 'fast'", "c"], "c": ["opencv-python"]}
    names = resolve(["a", "onnxruntime-directml"], lambda name: tree.get(name, []))
    assert names == {"a", "b", "c", "onnxruntime", "opencv-python", "onnxruntime-directml"}
    assert not_one_flavour(names) == {"onnxruntime": ["onnxruntime", "onnxruntime-directml"]}


def test_an_extra_that_nobody_asked_for_is_not_followed():
    assert resolve(["b"], lambda name: ["onnxruntime; extra == 'fast'"] if name == "b" else []) == {"b"}


def test_the_detector_that_needs_no_file_brings_nothing_else():
    """Its graphs decide what is found, so its version is fixed; what it needs is there already."""
    assert "mtcnn-runtime==1.0.0" in read_list("requirements.txt")
    assert {Requirement(line).name for line in installed_requires("mtcnn-runtime")} == {"onnxruntime", "opencv-python"}


def test_torch_is_left_to_comfyui():
    assert not {Requirement(line).name for line in read_list("requirements.txt")} & {
        "torch",
        "torchvision",
        "torchaudio",
    }


def test_the_gpu_list_is_an_opt_in_that_says_what_to_remove_first():
    text = (ROOT / "requirements-gpu.txt").read_text(encoding="utf-8")
    assert [Requirement(line).name for line in read_list("requirements-gpu.txt")] == ["onnxruntime-gpu"]
    assert "pip uninstall -y onnxruntime\n" in text
