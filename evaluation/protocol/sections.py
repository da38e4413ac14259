"""Sections that every protocol has, whatever draws and measures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from ...models.config.keys import Default, Remedy
from ...models.config.reading import Section
from ...models.config.rules import Number
from ...models.config.types import Count, File, Folder, NewPath, Seed
from ...models.errors import first_line

PLACE = re.compile(r"\{(\d+)\}")  # in a prompt: the noun of a person, counted from 1
MOST_BYTES = 10_000_000  # of a file of prompts
PIXELS = Number(64, 8192, step=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutConfig(Section):
    """What a protocol is called and where its results go."""

    name: Annotated[str, "what reports call it"]
    source: Annotated[str, "where its prompts and numbers were read"] = ""
    output: Annotated[NewPath, "folder for pictures, values and reports; it is made"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleConfig(Section):
    """Whose likeness is drawn."""

    folder: Annotated[
        Folder,
        "holds a folder for each person, called as they are, with photos",
        Remedy("name a folder that holds a folder of photos for each person."),
    ]
    only: Annotated[tuple[str, ...], "these folders alone", Default("all")] = ()
    together: Annotated[Count, "people in a picture; every combination of so many is drawn"] = 1
    nouns: Annotated[dict[str, str], "what a prompt calls somebody, by folder", Default("none")] = field(
        default_factory=dict
    )
    noun: Annotated[str, "what it calls all others"] = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptsConfig(Section):
    """What the pictures show. `{1}` is the noun of the first person, `{2}` of the second."""

    texts: Annotated[tuple[str, ...], "the prompts", Default("those of `file`")] = ()
    file: Annotated[File | None, "a text file of prompts, one a line; lines that begin with # are passed over"] = None
    mark: Annotated[
        str, "follows every noun where it is drawn and not where it is measured; `{}` is the number", Default("nothing")
    ] = ""

    def faults(self) -> Iterator[str]:
        """There is one list of prompts."""
        if bool(self.texts) == (self.file is not None):
            seen = "both texts and file" if self.texts else "neither texts nor file"
            yield f"[prompts] has {seen}; give the list of prompts in one of them."
            return
        try:
            is_empty = not self.all()
        except (OSError, ValueError) as error:
            yield f"[prompts] file cannot be read ({first_line(error)}): {self.file}; write one prompt a line, in UTF-8."
            return
        if is_empty:
            yield f"[prompts] file has no line with a prompt in it: {self.file}; write one prompt a line."

    def all(self) -> tuple[str, ...]:
        """The prompts, from wherever they come."""
        if self.file is None:
            return self.texts
        if self.file.stat().st_size > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
        lines = (line.strip() for line in self.file.read_text(encoding="utf-8").splitlines())
        return tuple(line for line in lines if line and not line.startswith("#"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesConfig(Section):
    """How each picture is drawn."""

    seeds: Annotated[tuple[Seed, ...], "one picture for each, of every prompt and person"] = (0,)
    width: Annotated[int, PIXELS, "pixels"] = 512
    height: Annotated[int, PIXELS, "pixels"] = 512
    steps: Annotated[Count, "of the sampler"] = 20
    guidance: Annotated[float, Number(0), "scale of classifier-free guidance"] = 7.5
    negative: Annotated[str, "the negative prompt", Default("empty")] = ""

    def faults(self) -> Iterator[str]:
        """There are seeds, each once."""
        if len(set(self.seeds)) != len(self.seeds) or not self.seeds:
            yield f"[pictures] seeds is {list(self.seeds)}; give at least one seed, each once."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsConfig(Section):
    """Where the weights lie that metrics name."""

    folder: Annotated[Folder | None, "the models folder, such as ComfyUI's", Default("the file's own")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperConfig(Section):
    """A row that a paper prints."""

    name: Annotated[str, "what the paper calls the method"]
    source: Annotated[str, "paper and table"]
    recogniser: Annotated[str, "what its similarity of faces was measured with", Default("not said")] = ""
    values: Annotated[dict[str, Annotated[float, Number(-1)]], "its numbers, in our units, by the label of a metric"]
    notes: Annotated[dict[str, str], "what is to be said about a number, by label", Default("nothing")] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricConfig(Section):
    """What every metric lets its users choose. The key `kind` chooses the metric itself."""

    label: Annotated[str, "what reports call it", Default("its kind")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingConfig(Section):
    """What every host lets its users choose. The key `host` chooses the host itself."""
