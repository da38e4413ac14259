"""The files of model folders, with what each is and which published one it may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..weights.folders import files_below
from ..weights.known_file import KnownFile
from .catalogue import SHARED_FOLDERS, all_needs, folder_names, wants_of
from .recognition import Recognised, recognise

Folders = Mapping[str, Sequence[Path]]  # name of a model folder -> where it is, the default place last

SUFFIXES = (".safetensors", ".sft", ".bin", ".pt", ".pth", ".ckpt", ".onnx")
ALIASES = {"text_encoders": ("clip",)}  # older names of folders, read as well


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file in a model folder.

    Attributes:
        folder: name of the model folder.
        name: path below it, with slashes.
        path: where it is.
        bytes: its size.
        seen: what it is.
        known: the published file that it is by name, or by kind and exact size; None where nobody knows.
    """

    folder: str
    name: str
    path: Path
    bytes: int
    seen: Recognised
    known: KnownFile | None

    @property
    def differs(self) -> bool:
        """Whether it has a published file's name and another size."""
        known = self.known
        return known is not None and known.bytes > 0 and known.bytes != self.bytes

    @property
    def belongs(self) -> tuple[str, ...]:
        """Folders in which methods look for such a file."""
        wants = wants_of(all_needs())
        return tuple(dict.fromkeys(folder for want in wants if self.seen.kind in want.kinds for folder in want.folders))


def folders_below(models: Path) -> dict[str, list[Path]]:
    """The model folders of a ComfyUI that nobody configured.

    Args:
        models: its `models` folder.
    """
    return {
        name: [*(models / alias for alias in ALIASES.get(name, ()) if (models / alias).is_dir()), models / name]
        for name in folder_names()
    }


def look(folders: Folders) -> list[FoundFile]:
    """Look at all files that could be of use; what is only other packs' business is passed over.

    Args:
        folders: places by the name of a model folder; those that do not exist are passed over.
    """
    return [file for folder, places in folders.items() for file in _look(folder, places)]


def _look(folder: str, places: Sequence[Path]) -> Iterator[FoundFile]:
    for top, path in files_below(places, _is_of_interest):
        seen = recognise(path)
        size = path.stat().st_size if path.exists() else 0
        found = FoundFile(
            folder=folder,
            name=path.relative_to(top).as_posix(),
            path=path,
            bytes=size,
            seen=seen,
            known=_known(folder, path.name, seen.kind, size),
        )
        if seen.damaged or found.belongs or folder not in SHARED_FOLDERS:
            yield found


def _known(folder: str, name: str, kind: str, size: int) -> KnownFile | None:
    wants = wants_of(all_needs())
    of_kind = [file for want in wants if kind in want.kinds for file in want.published]
    in_folder = [file for want in wants for file in want.published if file.folder.split("/")[0] == folder]
    named = [file for file in (of_kind if kind else in_folder) if file.name == name]
    sized = [file for file in of_kind if file.bytes == size]
    return next(iter((*named, *sized)), None)


def _is_of_interest(name: str) -> bool:
    """Whether a name is one of weights; one that begins with a dot is somebody's unfinished business."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")
