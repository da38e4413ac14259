"""The work of one process on some pictures of a run: drawing them, and measuring them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..hosts.host import Drawer, Wanted
from ..kit import Kit
from ..metrics.metric import Shown
from ..photos import read_photo
from ..protocol.file import Protocol, read_protocol
from .plan import plan
from .store import Store

Tell = Callable[[], None]  # called as each picture is finished


@dataclass(frozen=True, eq=False, slots=True)
class Work:
    """A protocol in the hands of a process.

    Attributes:
        protocol: what is wanted.
        kit: what draws and measures.
        drawer: the host.
        store: what is finished.
        plan: all pictures.
    """

    protocol: Protocol
    kit: Kit
    drawer: Drawer
    store: Store
    plan: tuple[Wanted, ...]
    _metrics: dict[str, Any] = field(default_factory=dict[str, Any])  # the one that was asked for last
    _photos: dict[Path, np.ndarray] = field(default_factory=dict[Path, np.ndarray])

    @classmethod
    def begin(cls, path: Path, kit: Kit) -> Work:
        """Read a protocol and make ready what draws.

        Raises:
            LikenessError: for everything that can be mended by the user.
        """
        protocol = read_protocol(path, kit)
        drawer = kit.hosts[protocol.drawing.word].make(protocol.drawing.config, kit.networks)
        store = Store(protocol.about.output, protocol.pictures, drawer.key)
        return cls(protocol, kit, drawer, store, plan(protocol))

    def draw(self, numbers: Sequence[int], tell: Tell) -> None:
        """Draw some pictures of the plan that are not finished; raises as the host does."""
        for number in numbers:
            wanted = self.plan[number]
            if not self.store.has_picture(wanted):
                self.store.put_picture(wanted, self.drawer.draw(wanted, self.protocol.pictures))
            tell()

    def measure(self, label: str, numbers: Sequence[int], tell: Tell) -> None:
        """Measure some pictures of the plan that are not measured, by one metric that looks at each by itself."""
        metric: Any = self.metric(label)
        for number in numbers:
            wanted = self.plan[number]
            if self.store.values(label, metric.key, wanted) is None:
                photos = tuple(tuple(map(self.photo, person.photos)) for person in wanted.people)
                shown = Shown(self.store.picture(wanted), wanted.said, photos)
                self.store.put_values(label, metric.key, wanted, metric.measure(shown))
            tell()

    def metric(self, label: str) -> Any:
        """The metric of a label; raises as its weights do."""
        if label not in self._metrics:
            self._metrics.clear()
            chosen = self.protocol.metrics[label]
            kind = self.kit.metrics[chosen.word]
            self._metrics[label] = kind.make(chosen.config, self.kit.networks)
        return self._metrics[label]

    def check_metrics(self) -> None:
        """Read all metrics, so that a wrong file or a missing package is told before everything is drawn; raises as `metric`."""
        for label in self.protocol.metrics:
            str(self.metric(label).key)

    def photo(self, path: Path) -> np.ndarray:
        """A person's photo, (H, W, 3) uint8, turned as its file says.

        Raises:
            BadImageError: if it cannot be read.
        """
        if path not in self._photos:
            self._photos[path] = read_photo(path)
        return self._photos[path]


def find_kit(home: str) -> Kit:
    """The `KIT` of a module, by its name."""
    return import_module(home).KIT


def work_on(path: Path, home: str, label: str | None, numbers: Sequence[int], tell: Tell) -> None:
    """Draw, or measure by the metric of a label, some pictures of a protocol; the whole task of a process of its own."""
    work = Work.begin(path, find_kit(home))
    if label is None:
        work.draw(numbers, tell)
    else:
        work.measure(label, numbers, tell)
