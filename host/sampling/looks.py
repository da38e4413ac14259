"""Who looks for people in a sampling run, as it begins and as it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.placement.found import ENDED, Look, Memory, Regions
from ...models.port.attention import Run
from ...models.records.archive import RunArchive
from ..unet import keys


class Looking(Protocol):
    """What a MODEL carries that looks for people in its runs."""

    @property
    def look(self) -> Look:
        """What is looked with."""
        ...

    def check(self, conds: Mapping[str, Any]) -> None:
        """Refuse a run in which nobody can be found.

        Args:
            conds: the guider's, by the name of their side.

        Raises:
            InvalidSettingError: saying what is missing.
        """
        ...

    def missing(self, memory: Memory, pictures: int) -> dict[str, frozenset[int]]:
        """The pictures in which somebody was never found, by their name."""
        ...

    def words(self, memory: Memory) -> dict[str, Tensor]:
        """The attention to people's words, (S, h, w) by their name, where it was read."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Seen:
    """What was seen in a run that has ended.

    Attributes:
        missing: the pictures in which somebody was never found, by their name.
        words: the attention to people's words, by their name.
        found: where people were in the end.
    """

    missing: dict[str, frozenset[int]] = field(default_factory=dict)
    words: dict[str, Tensor] = field(default_factory=dict)
    found: dict[Look, Regions] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True)
class RunLooks:
    """The looks of one run.

    Attributes:
        looks: that the MODEL carries.
        run: in which they keep what they find.
    """

    looks: tuple[Looking, ...]
    run: Run

    @classmethod
    def of(cls, model: ModelPatcher, run: Run) -> RunLooks:
        """Those of a MODEL that begins to sample."""
        return cls(model.get_attachment(keys.LOOKS) or (), run)

    def begin(self, conds: Mapping[str, Any], latent: Tensor, archive: RunArchive | None) -> None:
        """Check the prompts, and take over what was found where another run of this MODEL has ended with this very latent.

        Args:
            conds: the guider's, by the name of their side.
            latent: that the run begins with.
            archive: the MODEL's runs.

        Raises:
            InvalidSettingError: see `Looking`.
        """
        before = archive.find(latent).found if archive is not None and self.looks else {}
        for each in self.looks:
            each.check(conds)
            if each.look in before:
                each.look.resume(self.run.found, before[each.look])

    def end(self, pictures: int) -> Seen:
        """What was seen of a number of pictures."""
        seen = Seen()
        for each in self.looks:
            seen.missing.update(each.missing(self.run.found, pictures))
            seen.words.update(each.words(self.run.found))
            regions = each.look.regions(self.run.found, ENDED)
            if regions is not None:
                seen.found[each.look] = regions
        return seen
