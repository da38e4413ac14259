"""The doctor's command line: a report, and on request a download or a conversion."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from ..errors import InvalidSettingError, LikenessError, MissingModelFileError
from .catalogue import EVERYTHING, choices, find_known
from .conversion import convert
from .download import Progress, download
from .looking import Folders, folders_below, look
from .placing import megabytes
from .report import make_report, plain
from .text import to_text

REPORT, DOWNLOAD, CONVERT = "report", "download", "convert"
PROGRAM = "models_doctor.py"
STEPS = 20  # of a download that are told


def main(arguments: Sequence[str], pack: Path, out: TextIO = sys.stdout, errors: TextIO = sys.stderr) -> int:
    """Run the command.

    Args:
        arguments: of the command line, without the program.
        pack: the pack's folder, from which a ComfyUI is looked for.
        out: for what was asked.
        errors: for progress and for what went wrong, one sentence each.

    Returns:
        0, or 1 where something was refused or failed.
    """
    options = _parser().parse_args(arguments)
    try:
        models = _models_folder(options.models, pack)
        folders = folders_below(models)
        if options.verb == REPORT:
            _report(options, folders, out)
        elif not options.names:
            raise InvalidSettingError(f"Say what is to be done: {PROGRAM} {options.verb} NAME …")
        for name in options.names:
            if options.verb == DOWNLOAD:
                _download(name, models, out, errors)
            elif options.verb == CONVERT:
                _convert(name, folders, out)
    except LikenessError as error:
        errors.write(f"{error}\n")
        return 1
    return 0


def find_models(pack: Path) -> Path | None:
    """The `models` folder of the ComfyUI that the pack is installed in, the pack's folder being a link or not."""
    for place in (Path(os.path.abspath(pack)), pack.resolve()):
        comfy = place.parent.parent
        if place.parent.name == "custom_nodes" and (comfy / "models").is_dir():
            return comfy / "models"
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Says which model files are there, what they are, what is missing, and on which terms they may be used.",
        epilog="Nothing is downloaded or converted unless that verb is given; no file is ever overwritten. "
        "HF_ENDPOINT and HF_HUB_OFFLINE are honoured.",
    )
    parser.add_argument("verb", nargs="?", default=REPORT, choices=(REPORT, DOWNLOAD, CONVERT), help="default: report")
    parser.add_argument("names", nargs="*", metavar="NAME", help="published files to download, or files to convert")
    parser.add_argument(
        "--models", metavar="FOLDER", help="default: models of the ComfyUI that the pack is installed in"
    )
    parser.add_argument(
        "--for", dest="choice", default=EVERYTHING, metavar="METHOD", help=f"one of: {', '.join(choices())}"
    )
    parser.add_argument("--json", action="store_true", help="write the report as JSON")
    return parser


def _models_folder(given: str | None, pack: Path) -> Path:
    if given is not None:
        folder = Path(given).expanduser()
        if not folder.is_dir():
            raise MissingModelFileError(f"There is no folder {folder}; give ComfyUI's models folder with --models.")
        return folder
    found = find_models(pack)
    if found is None:
        raise MissingModelFileError(
            f"{pack} does not lie in a ComfyUI's custom_nodes; give ComfyUI's models folder with --models FOLDER."
        )
    return found


def _report(options: argparse.Namespace, folders: Folders, out: TextIO) -> None:
    if options.names:
        raise InvalidSettingError(f'"{options.names[0]}" is no verb; there are: {REPORT}, {DOWNLOAD}, {CONVERT}.')
    report = make_report(options.choice, folders)
    if options.json:
        out.write(json.dumps(report.to_data(), indent=2, ensure_ascii=False) + "\n")
        return
    given = f' --models "{options.models}"' if options.models else ""
    out.write(to_text(report, command=f"python {PROGRAM}{given} {DOWNLOAD}"))


def _download(name: str, models: Path, out: TextIO, errors: TextIO) -> None:
    known = find_known(name)
    errors.write(f"{known.name}: {known.size} from {known.page}, licence: {plain(known.licence)}\n")
    found = download(known, models / known.folder, _told(known.name, errors))
    out.write(f"{found.path}: {found.note}\n")


def _told(name: str, errors: TextIO) -> Progress:
    last = -1

    def tell(done: int, total: int) -> None:
        nonlocal last
        step = done * STEPS // total
        if step != last:
            last = step
            errors.write(f"{name}: {megabytes(done)} of {megabytes(total)}\n")

    return tell


def _convert(name: str, folders: Folders, out: TextIO) -> None:
    wanted = os.path.realpath(Path(name).expanduser())
    found = [file.path for file in look(folders) if os.path.realpath(file.path) == wanted]
    if not found:
        raise MissingModelFileError(
            f'"{name}" is no file that the report lists below {", ".join(folders)}; give the path of one that it does.'
        )
    made = convert(found[0])
    out.write(
        f"{made.path}: {made.tensors} tensors, the same bits as in {found[0].name}, which stays. {made.note}".rstrip()
        + "\n"
    )
