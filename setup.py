"""Which folders are packages: all that hold an `__init__.py`, under the name that the pack is imported by."""

from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
ROOMS = ("dataset", "diffusers_host", "evaluation", "host", "miniature", "models", "nodes", "training")

setup(
    packages=[
        "likeness",
        *(
            ".".join(("likeness", *file.parent.relative_to(ROOT).parts))
            for room in ROOMS
            for file in sorted((ROOT / room).rglob("__init__.py"))
        ),
    ]
)
