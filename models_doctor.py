"""Which model files are there, what they are, and what is missing: `python models_doctor.py --help`.

Needs torch and safetensors, which the Python that runs ComfyUI has.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

PACK = Path(__file__).parent
NAME = "likeness"  # the folder's own name may be no Python name


def load_pack() -> None:
    """Make the pack importable by its path, without its folder's `nodes` or `models` standing in for anybody else's."""
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or os.getcwd()) != os.path.realpath(PACK)]
    spec = importlib.util.spec_from_file_location(NAME, PACK / "__init__.py", submodule_search_locations=[str(PACK)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{PACK} is not this pack's folder")
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)


def run() -> int:
    """Run the command line; 0, or 1 where something was refused or failed."""
    load_pack()
    try:
        command = importlib.import_module(f"{NAME}.models.doctor.command")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == NAME:
            raise
        sys.stderr.write(
            f"The package {error.name} is not there for {sys.executable}; run this with the Python that runs ComfyUI.\n"
        )
        return 1
    return command.main(sys.argv[1:], PACK)


if __name__ == "__main__":
    sys.exit(run())
