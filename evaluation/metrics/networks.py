"""Networks that look at faces, by the words that protocols use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from ...models.port.encoders import FaceDetector, FaceRecogniser

Network = TypeVar("Network")


@dataclass(frozen=True, eq=False, slots=True)
class Loader(Generic[Network]):
    """How a network is read.

    Attributes:
        load: from its weights, or from None where it brings them.
        file: what its file may be called, where a protocol must name one.
        takes_file: whether a protocol may name one at all.
    """

    load: Callable[[Path | None], Network]
    file: str = ""
    takes_file: bool = True


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Networks:
    """What metrics of faces may look with.

    Attributes:
        recognisers: tell people apart.
        detectors: find faces.
    """

    recognisers: Mapping[str, Loader[FaceRecogniser]] = field(default_factory=dict[str, Loader[FaceRecogniser]])
    detectors: Mapping[str, Loader[FaceDetector]] = field(default_factory=dict[str, Loader[FaceDetector]])
