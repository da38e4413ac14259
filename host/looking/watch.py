"""What looks for people while a MODEL samples: carried by the MODEL, asked when a run begins and when it has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from comfy.model_patcher import ModelPatcher

from ...models.placement.found import Regions
from ..sampling.looks import Looking
from ..sampling.runs import follow_runs
from ..unet import keys


class Watch(Looking, Protocol):
    """A look for people in ComfyUI; immutable, shared by all clones of a MODEL, which carries each once."""

    @property
    def names(self) -> Mapping[int, str]:
        """Of those who are looked for, by their place in the chain."""
        ...

    def attach(self, model: ModelPatcher) -> None:
        """Put the look into a clone."""
        ...


def watch(model: ModelPatcher, watches: Iterable[Watch]) -> None:
    """Let a clone look for people; a look that it carries already is not put in again.

    Args:
        model: changed in place.
        watches: the looks.
    """
    carried: tuple[Watch, ...] = model.get_attachment(keys.LOOKS) or ()
    for each in watches:
        if all(each.look is not other.look for other in carried):
            each.attach(model)
            carried = (*carried, each)
    model.set_attachments(keys.LOOKS, carried)
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
