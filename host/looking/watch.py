"""What looks for people while a MODEL samples: carried by the MODEL, asked when a run begins and when it has ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.placement.found import ENDED, Look, Memory, Regions
from ..sampling.runs import follow_runs
from ..unet import keys


@dataclass(frozen=True, eq=False, slots=True)
class Watch(ABC):
    """A look for people in ComfyUI, a `Looking`; immutable, shared by all clones of a MODEL, which carries each once.

    Attributes:
        look: what is looked with.
        names: of those who are looked for, by their place in the chain.
    """

    look: Look
    names: Mapping[int, str]

    def __deepcopy__(self, memo: dict[int, Any]) -> Watch:
        """Cloning a MODEL on 0.3.64 copies its options deeply."""
        return self

    @abstractmethod
    def attach(self, model: ModelPatcher) -> None:
        """Put the look into a clone."""

    def check(self, conds: Mapping[str, Any]) -> None:
        """See `Looking`; whatever the prompts are, there may be something to see."""
        del conds

    def missing(self, memory: Memory, pictures: int) -> dict[str, frozenset[int]]:
        """See `Looking`."""
        return never_found(self.look.regions(memory, ENDED), self.names, pictures)

    def words(self, memory: Memory) -> dict[str, Tensor]:
        """See `Looking`; nobody reads words here."""
        del memory
        return {}


def watch(model: ModelPatcher, watches: Iterable[Watch]) -> None:
    """Let a clone look for people; a look that it carries already is not put in again, but knows of more people.

    Args:
        model: changed in place.
        watches: the looks.
    """
    carried: dict[Look, Watch] = {each.look: each for each in model.get_attachment(keys.LOOKS) or ()}
    for each in watches:
        known = carried.get(each.look)
        if known is None:
            each.attach(model)
        carried[each.look] = each if known is None else replace(known, names={**known.names, **each.names})
    model.set_attachments(keys.LOOKS, tuple(carried.values()))
    follow_runs(model)


def never_found(regions: Regions | None, names: Mapping[int, str], pictures: int) -> dict[str, frozenset[int]]:
    """The pictures of a run in which somebody was never found, by their name; those who always were are left out.

    Args:
        regions: what was found in it; None where nobody looked.
        names: of those who were looked for, by their place in the chain.
        pictures: number of all.
    """
    missing: dict[str, frozenset[int]] = {}
    for place, name in names.items():
        is_known = regions is not None and place < regions.found.shape[1]
        found = regions.found[:, place].tolist() if regions is not None and is_known else []
        lost = frozenset(number for number in range(pictures) if number >= len(found) or not found[number])
        if lost:
            missing[name] = lost
    return missing
