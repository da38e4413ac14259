"""What a method needs: kinds of files, each for one purpose, and which published file serves it."""

from __future__ import annotations

from dataclasses import dataclass

from .base_models import SD15, SDXL
from .known_file import AnyBase, KnownFile
from .signatures import BASE_MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """One file of a method.

    Attributes:
        purpose: what the file is to the method, unique in it.
        kinds: of files that serve, see `signatures.known_files` and `onnx_graph.Role`; any one of them will do.
        folders: below ComfyUI's `models`, where the method looks for it.
        published: files that serve, the one to be named first before the others; a file with a base serves only that one.
            Empty where everybody trains their own.
        optional: what it is for where the method runs without it, completing "for ..."; empty where it must be there.
        encoder: name of the image encoder that a CLIP vision model must be, where no adapter says it.
        reads_for: purpose of the file that says which image encoder it reads; that of `encoder` where it does not say.
        stem: the only name without suffix under which "auto" takes the file; empty where any will do.
    """

    purpose: str
    kinds: tuple[str, ...]
    folders: tuple[str, ...]
    published: tuple[KnownFile, ...] = ()
    optional: str = ""
    encoder: str = ""
    reads_for: str = ""
    stem: str = ""

    def published_for(self, base: AnyBase) -> tuple[KnownFile, ...]:
        """The published files that serve with a family of checkpoints, the one to be named first."""
        return tuple(file for file in self.published if file.base in ("", base))


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a method needs, as a user chooses it.

    Attributes:
        name: of the method, on screen.
        bases: families of checkpoints that it works with; one empty name where no checkpoint is in play.
        wants: its files.
        note: a sentence on what else must be there; may be empty.
    """

    name: str
    bases: tuple[AnyBase, ...]
    wants: tuple[Want, ...]
    note: str = ""


CHECKPOINT = Want(purpose="checkpoint", kinds=(BASE_MODEL,), folders=("checkpoints",), published=(SD15, SDXL))
