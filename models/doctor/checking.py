"""What is missing for a method, with each family of checkpoints that it works with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..weights.known_file import AnyBase, KnownFile
from ..weights.needs import Needs, Want
from .looking import FoundFile


@dataclass(frozen=True, slots=True, kw_only=True)
class WantState:
    """Whether a want is met.

    Attributes:
        want: what is asked for.
        files: those that serve.
        choices: published files that would serve, the one to be named first.
        encoders: the image encoders of which one is needed; empty where any will do, or none is needed.
        needed: whether the method, with what is there, asks for it at all.
    """

    want: Want
    files: tuple[FoundFile, ...]
    choices: tuple[KnownFile, ...]
    encoders: tuple[str, ...] = ()
    needed: bool = True

    @property
    def is_missing(self) -> bool:
        """Whether nothing serves, though it is asked for."""
        return self.needed and not self.files


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseState:
    """A method with a family of checkpoints.

    Attributes:
        needs: of the method.
        base: the family; empty where no checkpoint is in play.
        wants: each want's state.
    """

    needs: Needs
    base: AnyBase
    wants: tuple[WantState, ...]

    @property
    def missing(self) -> list[WantState]:
        """What must be there and is not."""
        return [state for state in self.wants if state.is_missing and not state.want.optional]

    @property
    def lacking(self) -> list[WantState]:
        """What could be there and is not."""
        return [state for state in self.wants if state.is_missing and state.want.optional]


def check(needs: Needs, found: Sequence[FoundFile]) -> list[BaseState]:
    """The state of a method with each of its families.

    Args:
        needs: of the method.
        found: all files of the model folders.
    """
    return [_check(needs, base, found) for base in needs.bases]


def _check(needs: Needs, base: AnyBase, found: Sequence[FoundFile]) -> BaseState:
    states: dict[str, WantState] = {}
    for want in needs.wants:
        adapter = states.get(want.reads_for)
        encoders, needed = _encoders(want, base, adapter)
        files = tuple(file for file in found if _serves(file, want, base, encoders))
        choices = tuple(
            file for file in want.published_for(base) if not encoders or not file.encoder or file.encoder in encoders
        )
        states[want.purpose] = WantState(want=want, files=files, choices=choices, encoders=encoders, needed=needed)
    return BaseState(needs=needs, base=base, wants=tuple(states.values()))


def _encoders(want: Want, base: AnyBase, adapter: WantState | None) -> tuple[tuple[str, ...], bool]:
    """Image encoders of which one is needed, and whether one is: adapters of faces alone read no picture."""
    if adapter is None:
        return (want.encoder,) if want.encoder else (), True
    if adapter.files:
        read = tuple(dict.fromkeys(file.seen.encoder for file in adapter.files if file.seen.encoder))
        return read, bool(read)
    published = next(iter(adapter.want.published_for(base)), None)
    name = published.encoder if published else want.encoder
    return (name,) if name else (), True


def _serves(file: FoundFile, want: Want, base: AnyBase, encoders: Iterable[str]) -> bool:
    seen, wanted = file.seen, tuple(encoders)
    return (
        seen.kind in want.kinds
        and file.folder in want.folders
        and seen.base in ("", base)
        and (not wanted or seen.encoder in wanted)
        and want.stem in ("", file.path.stem)
    )
