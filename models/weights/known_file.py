"""A published file that the pack can use: where it is, where it goes, how large it is, and on which terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HOST = "https://huggingface.co/"

Base = Literal["SD1.5", "SDXL"]
Commercial = Literal["yes", "no", "unclear"]
AnyBase = Base | Literal[""]  # or whichever


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """One published file.

    Attributes:
        name: its name on the user's disk; loaders recognise content, so another name works too.
        folder: where it goes, below ComfyUI's `models`.
        page: address of a page that tells about it.
        path: from the page to the file itself, for files on huggingface.co, else empty.
        what: what it is and who needs it, without a full stop.
        size: as a reader is told it.
        licence: its terms.
        base: the family of checkpoints that it fits; empty where it goes with any.
        encoder: the image encoder that it is, or that it reads; empty where it is neither.
        commercial: whether its terms, as far as they are known, allow commercial use; no legal advice.
        bytes: its exact size; 0 where nobody looked.
        sha256: of the whole file, hexadecimal; empty where it is not known.
    """

    name: str
    folder: str
    page: str
    path: str = ""
    what: str
    size: str
    licence: str
    base: AnyBase = ""
    encoder: str = ""
    commercial: Commercial
    bytes: int = 0
    sha256: str = ""

    @property
    def url(self) -> str | None:
        """Address of the file itself, for a download; None where it is published elsewhere or in an archive."""
        return f"{self.page}/resolve/main/{self.path}" if self.path else None

    @property
    def repository(self) -> str:
        """Owner and name of the repository on huggingface.co; empty where the file is elsewhere."""
        return self.page.removeprefix(HOST) if self.path else ""
