"""Everything that the pack can use: what each method needs, and all published files."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable

from ..errors import InvalidSettingError
from ..methods import wings
from ..similarity import needs as judging
from ..weights.known_file import KnownFile
from ..weights.needs import Needs, Want

EVERYTHING = "everything"
ROOM = (__package__ or "").rpartition(".")[0]  # models
# Where other packs keep their files too; what nobody of ours could use is no concern there.
SHARED_FOLDERS = ("checkpoints", "clip_vision", "controlnet", "insightface", "ipadapter", "loras", "text_encoders")


@functools.cache
def all_needs() -> tuple[Needs, ...]:
    """What every method needs, those with a wing before the others."""
    return (*(needs for wing in wings(ROOM, "needs") for needs in wing.NEEDS), *judging.NEEDS)


def choices() -> list[str]:
    """What a user may ask for: everything, or one method by its name."""
    return [EVERYTHING, *(needs.name for needs in all_needs())]


def needs_for(choice: str) -> tuple[Needs, ...]:
    """The needs that a choice means; a name need not be written out, nor in its letters' case.

    Raises:
        InvalidSettingError: if no method is called so; names those that are.
    """
    if choice == EVERYTHING:
        return all_needs()
    wanted = choice.lower()
    exact = tuple(needs for needs in all_needs() if needs.name.lower() == wanted)
    found = exact or tuple(needs for needs in all_needs() if wanted and needs.name.lower().startswith(wanted))
    if not found:
        raise InvalidSettingError(f'No method is called "{choice}"; choose one of: {", ".join(choices())}.')
    return found


def wants_of(needs: Iterable[Needs]) -> list[Want]:
    """All files that methods want, each want once."""
    return list(dict.fromkeys(want for need in needs for want in need.wants))


def known_files(needs: Iterable[Needs] | None = None) -> list[KnownFile]:
    """All published files of methods, or of every method, each once."""
    wants = wants_of(all_needs() if needs is None else needs)
    return list(dict.fromkeys(file for want in wants for file in want.published))


def find_known(name: str) -> KnownFile:
    """The published file of a name.

    Raises:
        InvalidSettingError: if there is none; a path is no name.
    """
    files = {file.name: file for file in known_files()}
    if name not in files:
        near = difflib.get_close_matches(name, files, cutoff=0.4) or list(files)[:4]
        raise InvalidSettingError(
            f'No published file that the pack can use is called "{name[:200]}"; near to it are: {", ".join(near)}.'
        )
    return files[name]


def folder_names() -> list[str]:
    """The folders below `models` in which the pack looks."""
    wanted = (folder for want in wants_of(all_needs()) for folder in want.folders)
    published = (file.folder.split("/")[0] for file in known_files())
    return list(dict.fromkeys((*wanted, *published)))
