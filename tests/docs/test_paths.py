"""What papers and help pages mention is there: files, folders, modules, links, and nodes by their names on screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from likeness.tests.docs.documented_nodes import ROOT, documented_nodes

PAPERS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = sorted((ROOT / "web" / "docs").rglob("*.md"))
ROOMS = {path.name for path in ROOT.iterdir()}
PYTHON_FILES = {
    file.name for room in ROOT.iterdir() if not room.name.startswith(".") for file in (room, *room.rglob("*.py"))
}
FILE_ENDINGS = (".py", ".md", ".toml", ".json", ".txt")
MODEL_FOLDERS = {  # of ComfyUI; a path into them is the user's
    "checkpoints", "clip_vision", "consistentid", "controlnet", "dino", "face_detection", "face_parsing",
    "face_recognition", "identities", "insightface", "ipadapter", "loras", "omniportrait", "prior", "uniportrait",
}  # fmt: skip
NAMES_OF_OTHERS = {"Preview Image",   # nodes of ComfyUI, its page and the managers, and a paper's terms
    "Batch Images", "Browse Templates", "CLIP Text Encode", "Conditioning Average", "Conditioning Combine", "CLIP Vision Encode", "Combine Masks", "Convert Image to Mask",
    "Convert Mask to Image", "Custom Nodes Manager", "Empty Latent Image", "Load CLIP", "Load Checkpoint", "Load Image", "Load VAE",
    "Pivot ID Encoder", "Set Latent Noise Mask", "VAE Decode",
}  # fmt: skip

every_paper = pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.relative_to(ROOT).as_posix())
every_text = pytest.mark.parametrize("paper", PAPERS + PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def prose(paper: Path) -> str:
    """The text without fenced blocks."""
    return re.sub(r"^ *```.*?^ *```", "", paper.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def paths(text: str) -> set[str]:
    """What stands in backticks and is a path into this tree."""
    quoted = (entry.removeprefix("./") for entry in re.findall(r"`([\w./-]+)`", text))
    return {entry for entry in quoted if is_file_of_ours(entry) or is_folder_of_ours(entry)}


def is_file_of_ours(entry: str) -> bool:
    """Whether the entry is a Python file, or another file with the folder it lies in."""
    return entry.endswith(".py") or ("/" in entry and entry.endswith(FILE_ENDINGS) and entry.split("/")[0] in ROOMS)


def is_folder_of_ours(entry: str) -> bool:
    """Whether the entry is a path that begins at a room, and not one of ComfyUI's folders of models."""
    first, _, rest = entry.partition("/")
    return "/" in entry and first in ROOMS and not (first == "models" and rest.split("/")[0] in MODEL_FOLDERS)


def is_there(path: str) -> bool:
    """Whether a path exists; a bare name of a file is one that some folder has."""
    return (ROOT / path).exists() or path in PYTHON_FILES


def titles(text: str) -> set[str]:
    """What stands in italics, has several words and begins them all with a capital letter, as names on screen do."""
    italics = re.findall(r"(?<![*\w])\*(?:\*\*)?(?!\*)([^*`|\n]+?)\*(?:\*\*)?(?![*\w])", text)
    return {entry for entry in italics if re.fullmatch(r"[A-Z][\w-]*( (to|in|of)| [A-Z(][\w()-]*)+", entry)}


def test_paths_are_told_from_other_words():
    text = "`models/face/types.py` `models/face_parsing` `tools/` `a.jpg` `one.py` `strength` `data/manifest.jsonl`"
    assert paths(text) == {"models/face/types.py", "tools/", "one.py"}


def test_names_on_screen_are_told_from_other_italics():
    text = "*Add Person* and ***Show Routing Map***, *No face was found …*, *add*, *Score Facial Similarity (FGIS)*, **In ComfyUI**"
    assert titles(text) == {"Add Person", "Show Routing Map", "Score Facial Similarity (FGIS)"}


@every_paper
def test_every_path_leads_somewhere(paper: Path):
    assert sorted(path for path in paths(prose(paper)) if not is_there(path)) == []


@every_text
def test_every_link_leads_somewhere(paper: Path):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", prose(paper))
    found = (target.strip("<>") for target in targets)  # a target with spaces stands in angle brackets
    assert sorted(target for target in found if not (paper.parent / target).exists()) == []


@every_paper
def test_every_module_that_is_run_is_there(paper: Path):
    modules = re.findall(r"-m likeness\.([\w.]+\w)", paper.read_text(encoding="utf-8"))
    files = (ROOT.joinpath(*name.split(".")) for name in modules)
    assert [
        str(file) for file in files if not (file.with_suffix(".py").is_file() or (file / "__main__.py").is_file())
    ] == []


@every_text
def test_every_node_has_its_name_on_screen(paper: Path):
    known = {node.name for node in documented_nodes()} | NAMES_OF_OTHERS
    assert sorted(titles(prose(paper)) - known) == []
