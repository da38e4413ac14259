"""Where ComfyUI keeps the files that the doctor looks at, extra_model_paths.yaml and other packs' folders included."""

from __future__ import annotations

from pathlib import Path

from ...models.doctor.catalogue import folder_names
from ...models.doctor.looking import FoundFile, look
from ...models.doctor.report import Report, make_report
from ...models.errors import MissingModelFileError
from ...models.weights.known_file import KnownFile
from ..files import folders_of, model_folder


def model_folders() -> dict[str, list[Path]]:
    """Every place of every folder in which the pack looks, the default one last."""
    return {name: [Path(place) for place in folders_of(name)] for name in folder_names()}


def report_on(choice: str) -> Report:
    """The report for a method, or for all; see `models.doctor.report.make_report`."""
    return make_report(choice, model_folders())


def folder_for(known: KnownFile) -> Path:
    """Where a published file is put: the default folder of its kind."""
    top, *inner = known.folder.split("/")
    return Path(model_folder(top), *inner)


def find_listed(folder: str, name: str) -> FoundFile:
    """A file that the report lists.

    Args:
        folder: name of its model folder.
        name: path below it, as the report has it.

    Raises:
        MissingModelFileError: if the report lists no such file; no other file is ever touched.
    """
    places = model_folders()
    listed = look({folder: places[folder]} if folder in places else {})
    found = next((file for file in listed if file.name == name), None)
    if found is None:
        raise MissingModelFileError(
            f'"{name[:200]}" is no file that the report lists in models/{folder[:60]}; make the report again and choose one.'
        )
    return found
