"""What run-time code never does: run code that it was given, start a shell, reach into the network. Read from the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUN_TIME = ("nodes", "host", "models", "diffusers_host")  # what a ComfyUI or a drawing on diffusers executes
READING = (*RUN_TIME, "dataset", "training", "evaluation", "miniature")  # who reads files of others
CALLS = ("eval", "exec", "compile", "__import__", "breakpoint")  # by their bare name
MODULES = (  # none of which is imported, but for what stands in MAY
    *("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "code", "codeop", "runpy"),
    *("yaml", "ruamel", "subprocess", "pty", "socket", "ssl", "ftplib", "smtplib", "telnetlib", "xmlrpc"),
    *("urllib", "http", "requests", "httpx", "aiohttp", "urllib3", "huggingface_hub", "gdown", "wget"),
)
MAY = {
    ("models/weights/torch_file.py", "pickle"),  # for the error that torch.load raises
    *(
        (name, "aiohttp") for name in ("host/events.py", "host/face_route.py", "host/doctor/routes.py")
    ),  # to answer ComfyUI's page
    ("host/doctor/access.py", "urllib.parse"),  # reads addresses, and reaches nowhere
}
SHELLS = ("system", "popen", "spawnl", "spawnv", "execv", "execve", "execl", "execvp", "startfile", "posix_spawn")


def faults(source: str, name: str = "models/a.py") -> list[str]:
    """What a source text of run-time code does that it must not, a line each."""
    return [f"{name}:{line} {what}" for line, what in sorted(_forbidden(ast.parse(source), name))]


def unsafe_loads(source: str, name: str = "models/a.py") -> list[str]:
    """Calls that read files and may unpickle."""
    return [f"{name}:{node.lineno} {ast.unparse(node)}" for node in ast.walk(ast.parse(source)) if _may_unpickle(node)]


def _forbidden(tree: ast.AST, name: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        for module in _imported(node):
            if module.split(".")[0] in MODULES and (name, module) not in MAY:
                yield node.lineno, f"imports {module}"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS or (called.startswith("os.") and called.split(".")[-1] in SHELLS):
                yield node.lineno, f"calls {called}"
            if called.split(".")[-1] in ("loads", "Unpickler") and "pickle" in called:
                yield node.lineno, f"calls {called}"
            if called in ("torch.hub.load", "torch.jit.load", "torch.compile", "pickle.load"):
                yield node.lineno, f"calls {called}"
            for keyword in node.keywords:
                if keyword.arg == "shell" and ast.unparse(keyword.value) != "False":
                    yield node.lineno, "gives shell"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def _may_unpickle(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    told = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    owner = ast.unparse(node.func.value)
    if node.func.attr == "load" and owner == "torch":
        return told.get("weights_only") != "True"
    return node.func.attr == "load" and owner in ("np", "numpy") and told.get("allow_pickle") != "False"


def _sources(rooms: tuple[str, ...]) -> list[Path]:
    return [ROOT / "__init__.py", *(path for room in rooms for path in sorted((ROOT / room).rglob("*.py")))]


@pytest.mark.parametrize("room", RUN_TIME)
def test_run_time_code_runs_nothing_it_was_given_and_reaches_nowhere(room):
    found = [
        fault
        for path in _sources((room,))
        for fault in faults(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    ]
    assert not found, "\n".join(found)


def test_whoever_reads_a_file_unpickles_nothing():
    found = [
        fault
        for path in _sources(READING)
        for fault in unsafe_loads(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(text)",
        "import pickle",
        "from pickle import loads",
        "import subprocess",
        "os.system('ls')",
        "os.popen('ls')",
        "run('ls', shell=True)",
        "import yaml",
        "from urllib.request import urlopen",
        "import urllib.request",
        "def f():\n    import requests",
        "import socket",
        "torch.hub.load('a', 'b')",
        "torch.jit.load(path)",
        "__import__('os')",
    ],
)
def test_the_reader_sees_what_is_forbidden(source):
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "import json",
        "torch.load(path, weights_only=True)",
        "re.compile('a')",
        "from .pickle import a",
        "run(a, shell=False)",
    ],
)
def test_the_reader_lets_the_rest_pass(source):
    assert not faults(source)


@pytest.mark.parametrize(
    ("source", "is_unsafe"),
    [
        ("torch.load(path)", True),
        ("torch.load(path, weights_only=False)", True),
        ("torch.load(path, weights_only=flag)", True),
        ("torch.load(path, map_location='cpu', weights_only=True)", False),
        ("np.load(path)", True),
        ("numpy.load(path, allow_pickle=True)", True),
        ("np.load(path, allow_pickle=False)", False),
        ("json.load(stream)", False),
    ],
)
def test_loads_that_may_unpickle_are_seen(source, is_unsafe):
    assert bool(unsafe_loads(source)) is is_unsafe
