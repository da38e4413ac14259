"""The doctor's report: what a method needs, what is there, and what is missing, as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..weights.known_file import KnownFile
from ..weights.needs import Needs
from .catalogue import all_needs, choices, known_files, needs_for, wants_of
from .checking import BaseState, WantState, check
from .conversion import SUFFIX, is_convertible
from .looking import Folders, FoundFile, look

NO_ADVICE = "Commercial use is told as far as the terms are known; this is no legal advice, and checkpoint and LoRAs have terms of their own."


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the doctor found.

    Attributes:
        choice: what was asked for, see `catalogue.choices`.
        folders: where was looked.
        states: every method that was asked for, with every family of checkpoints.
        files: what is there for these methods, what is damaged, and what lies in the wrong folder.
        known: published files of these methods.
    """

    choice: str
    folders: Folders
    states: tuple[BaseState, ...]
    files: tuple[FoundFile, ...]
    known: tuple[KnownFile, ...]

    def has(self, known: KnownFile) -> bool:
        """Whether a published file, or one that is taken for it, is there and whole."""
        return any(file.known == known and not file.seen.fault for file in self.files)

    @property
    def needed(self) -> list[KnownFile]:
        """Published files that would fill what is missing, one for each want."""
        return _first_choices(state for each in self.states for state in each.missing)

    @property
    def optional(self) -> list[KnownFile]:
        """Published files that would fill what is not there and need not be, but for those that are needed elsewhere."""
        lacking = _first_choices(state for each in self.states for state in each.lacking)
        return [file for file in lacking if file not in self.needed]

    def to_data(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return {
            "for": self.choice,
            "choices": choices(),
            "folders": {name: [str(place) for place in places] for name, places in self.folders.items()},
            "methods": [_state(state) for state in self.states],
            "needed": [file.name for file in self.needed],
            "optional": [file.name for file in self.optional],
            "known": [self._known(file) for file in self.known],
            "files": [_found(file) for file in self.files],
            "note": NO_ADVICE,
        }

    def _known(self, file: KnownFile) -> dict[str, Any]:
        return {
            "name": file.name,
            "folder": file.folder,
            "what": plain(file.what),
            "size": file.size,
            "bytes": file.bytes or None,
            "hash": file.sha256 or None,
            "base": file.base or None,
            "encoder": file.encoder or None,
            "licence": plain(file.licence),
            "commercial": file.commercial,
            "page": file.page,
            "url": file.url,
            "downloadable": bool(file.repository),
            "there": self.has(file),
        }


def make_report(choice: str, folders: Folders) -> Report:
    """Look at all model folders and say what a method, or every one, has and lacks.

    Args:
        choice: see `catalogue.needs_for`.
        folders: places by the name of a model folder.

    Raises:
        InvalidSettingError: if no method is called so.
    """
    needs = needs_for(choice)
    found = look(folders)
    states = tuple(state for need in needs for state in check(need, found))
    concerned = found if needs == all_needs() else [file for file in found if _concerns(file, needs)]
    return Report(
        choice=choice, folders=folders, states=states, files=tuple(concerned), known=tuple(known_files(needs))
    )


def _concerns(file: FoundFile, needs: Sequence[Needs]) -> bool:
    wants = wants_of(needs)
    by_kind = any(file.seen.kind in want.kinds for want in wants)
    return by_kind or (file.seen.fault != "" and any(file.folder in want.folders for want in wants))


def _first_choices(states: Iterable[WantState]) -> list[KnownFile]:
    return list(dict.fromkeys(state.choices[0] for state in states if state.choices))


def _state(state: BaseState) -> dict[str, Any]:
    return {
        "method": state.needs.name,
        "note": state.needs.note or None,
        "base": state.base or None,
        "ready": not state.missing,
        "wants": [_want(want) for want in state.wants if want.needed],
    }


def _want(state: WantState) -> dict[str, Any]:
    want = state.want
    return {
        "purpose": want.purpose,
        "optional": want.optional or None,
        "missing": state.is_missing,
        "folders": list(want.folders),
        "encoders": list(state.encoders),
        "called": want.stem or None,
        "files": [f"{file.folder}/{file.name}" for file in state.files],
        "published": [file.name for file in state.choices],
    }


def _found(file: FoundFile) -> dict[str, Any]:
    seen, known = file.seen, file.known
    is_there = file.path.with_suffix(SUFFIX).exists()
    return {
        "folder": file.folder,
        "name": file.name,
        "path": str(file.path),
        "bytes": file.bytes,
        "kind": seen.kind or None,
        "what": seen.description or None,
        "base": seen.base or None,
        "encoder": seen.encoder or None,
        "fault": seen.fault or None,
        "belongs": list(file.belongs) if seen.kind and file.folder not in file.belongs else [],
        "published": known.name if known else None,
        "differs": file.differs,
        "licence": plain(known.licence) if known else "not known here",
        "commercial": known.commercial if known else "unclear",
        "convertible": bool(seen.kind) and is_convertible(file.path) and not is_there,
    }


def plain(text: str) -> str:
    """A text of the table without its Markdown."""
    return text.replace("**", "").replace("`", "")
