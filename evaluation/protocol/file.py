"""A protocol's file, read and checked with all faults found at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

from ...models.config.keys import Key, keys_of
from ...models.config.reading import Section, read_keys, read_section, read_toml, refuse, unknown
from ...models.config.rules import Choice, Text
from ...models.config.values import show
from ...models.errors import ConfigError
from ..kit import Kit
from .people import PersonFolder, find_people
from .sections import (
    PLACE,
    AboutConfig,
    MetricConfig,
    ModelsConfig,
    PaperConfig,
    PeopleConfig,
    PicturesConfig,
    PromptsConfig,
)

SHIPPED = Path(__file__).resolve().parents[1] / "protocols"
SECTIONS: dict[str, type[Section]] = {
    "protocol": AboutConfig,
    "people": PeopleConfig,
    "prompts": PromptsConfig,
    "pictures": PicturesConfig,
    "models": ModelsConfig,
}
LISTS = ("metric", "paper")
BASE = "base"  # above all sections: a protocol that holds where this file is silent


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Chosen:
    """Something that a word chose, with its settings.

    Attributes:
        word: of the protocol.
        config: its section.
    """

    word: str
    config: Any


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Protocol:
    """A whole protocol.

    Attributes:
        path: where it was read.
        about, pictures: sections of the file.
        people: everybody, at least as many as are together.
        together: people in a picture.
        prompts: with places for nouns.
        mark: see `PromptsConfig`.
        drawing: the host.
        metrics: by label.
        papers: rows of papers.
    """

    path: Path
    about: AboutConfig
    pictures: PicturesConfig
    people: tuple[PersonFolder, ...]
    together: int
    prompts: tuple[str, ...]
    mark: str
    drawing: Chosen
    metrics: Mapping[str, Chosen]
    papers: tuple[PaperConfig, ...]


def read_protocol(path: str | Path, kit: Kit) -> Protocol:
    """Read and check a protocol.

    Args:
        path: the TOML file; relative paths in it start at its folder, those of weights at the folder of models.
        kit: what it may name.

    Raises:
        ConfigError: listing every fault, one line each.
    """
    path = Path(path)
    return _Reader(path, _merged(path), kit).read()


def _merged(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A file and its base: sections join key by key, lists of sections are the file's own where it has any."""
    tables = read_toml(path, "protocol")
    base = tables.pop(BASE, None)
    if base is None:
        return tables
    shipped = sorted(file.stem for file in SHIPPED.glob("*.toml"))
    if not isinstance(base, str) or not base:
        raise ConfigError(f'"{path.name}" has {BASE} = {show(base)}; name a protocol: {", ".join(shipped)}, or a file.')
    found = SHIPPED / f"{base}.toml" if base in shipped else (path.parent / base).resolve()
    if not found.is_file():
        raise ConfigError(
            f'"{path.name}" has {BASE} = "{base}", but there is no such protocol; choose {", ".join(shipped)}, or a file.'
        )
    if found in above:
        raise ConfigError(f'"{path.name}" has {BASE} = "{base}", which goes round in a circle; name another.')
    below = _merged(found, (*above, path.resolve()))
    joined = {
        name: {**below[name], **table}
        for name, table in tables.items()
        if isinstance(table, Mapping) and isinstance(below.get(name), Mapping)
    }
    return {**below, **tables, **joined}


class _Reader:
    """One reading of a file.

    Attributes:
        faults: what was found so far, one line each.
    """

    def __init__(self, path: Path, tables: Mapping[str, Any], kit: Kit) -> None:
        self.path, self.tables, self.kit = path, tables, kit
        self.folder = path.resolve().parent
        self.faults: list[str] = []

    def read(self) -> Protocol:
        known = [*SECTIONS, "drawing", *LISTS, BASE]
        self.faults += [unknown("The file", name, known) for name in self.tables if name not in known]
        parts = {name: self._section(name, kind) for name, kind in SECTIONS.items()}
        drawing = self._drawing()
        if drawing is not None:
            draws, together = self.kit.hosts[drawing.word].people(drawing.config), self._together()
            if draws not in (None, together):
                self.faults.append(f"[drawing] draws {draws} people, but together is {together}; make them the same.")
        metrics = self._metrics(self._models())
        papers = tuple(self._part(f"[[paper]] {n}", PaperConfig, row) for n, row in self._list("paper"))
        people = self._people(parts["people"])
        prompts = self._prompts(parts["prompts"], parts["people"])
        refuse(self.path, self.faults)
        assert drawing is not None
        return Protocol(
            path=self.path.resolve(),
            about=parts["protocol"],
            pictures=parts["pictures"],
            people=people,
            together=parts["people"].together,
            prompts=prompts,
            mark=parts["prompts"].mark,
            drawing=drawing,
            metrics=metrics,
            papers=papers,
        )

    def _section(self, name: str, kind: type[Section]) -> Any:
        return self._part(f"[{name}]", kind, self.tables.get(name, {}))

    def _part(self, where: str, kind: type[Section], table: Any) -> Any:
        part, faults = read_section(where, kind, table, self.folder)
        self.faults += faults
        return part

    def _list(self, name: str) -> list[tuple[int, Any]]:
        """The sections of a list, counted from 1."""
        entries = self.tables.get(name, [])
        if not isinstance(entries, list):
            self.faults.append(f"[{name}] is {show(entries)}; write each of them below a line [[{name}]].")
            return []
        return list(enumerate(entries, 1))

    def _drawing(self) -> Chosen | None:
        """What draws, or None where there are faults."""
        table, hosts = self.tables.get("drawing", {}), self.kit.hosts
        host = hosts.get(str(table.get("host"))) if isinstance(table, Mapping) else None
        folder = self._models() if host is not None and host.is_below_models else self.folder
        section = host.section_of(table) if host is not None and host.section_of is not None else None
        chosen = self._chosen("[drawing]", "host", table, hosts, folder, section)
        if chosen is not None:
            self.faults += self._networks("[drawing]", chosen.config)
        return chosen

    def _models(self) -> Path:
        """Where weights are looked for; what is wrong with it is said with the section."""
        table = self.tables.get("models")
        given = table.get("folder") if isinstance(table, Mapping) else None
        return (self.folder / Path(given).expanduser()).resolve() if isinstance(given, str) else self.folder

    def _metrics(self, models: Path) -> dict[str, Chosen]:
        found: dict[str, Chosen] = {}
        entries = self._list("metric")
        if not entries and isinstance(self.tables.get("metric", []), list):
            self.faults.append("[[metric]] is missing; name at least one metric, such as face_similarity.")
        for number, table in entries:
            where = f"[[metric]] {number}"
            chosen = self._chosen(where, "kind", table, self.kit.metrics, models)
            if chosen is None:
                continue
            config: MetricConfig = chosen.config
            self.faults += self._networks(where, config)
            most, together = self.kit.metrics[chosen.word].most_people, self._together()
            if most is not None and together > most:
                self.faults.append(
                    f"{where} {chosen.word} knows {most} person a picture, but together is {together}; leave it out."
                )
            label = config.label or chosen.word
            if label in found:
                self.faults.append(f'{where} is called "{label}", as another one is; give it a label of its own.')
            found[label] = chosen
        return found

    def _networks(self, where: str, config: Section) -> list[str]:
        """The faults of what looks at faces: a network that nobody knows, or whose file is not named."""
        faults: list[str] = []
        for name, words in (
            ("recogniser", self.kit.networks.recognisers),
            ("detector", self.kit.networks.detectors),
        ):
            word = getattr(config, name, None)
            if word is None:
                continue
            weights = f"{name}_weights" if hasattr(config, f"{name}_weights") else "weights"
            if word not in words:
                faults.append(f"{where} {name} is {show(word)}; choose {Choice(tuple(words)).wanted}.")
            elif words[word].file and getattr(config, weights) is None:
                faults.append(f"{where} {weights} is missing; {word} needs its file, such as {words[word].file}.")
            elif not words[word].takes_file and getattr(config, weights) is not None:
                faults.append(
                    f'{where} {weights} is "{getattr(config, weights).name}", but {word} brings its own; remove {weights}.'
                )
        return faults

    def _together(self) -> int:
        table = self.tables.get("people")
        given = table.get("together", 1) if isinstance(table, Mapping) else 1
        return given if isinstance(given, int) else 1

    def _chosen(
        self,
        where: str,
        name: str,
        table: Any,
        kinds: Mapping[str, Any],
        folder: Path,
        section: type[Section] | None = None,
    ) -> Chosen | None:
        """What a word chooses, with the section of its kind or another one, or None where there are faults."""
        choice = Key(name=name, rule=Choice(tuple(kinds)), text="", default=MISSING)
        word = table.get(name) if isinstance(table, Mapping) else None
        if word is None or word not in kinds:
            only = {name: word} if word is not None else {}
            self.faults += read_keys(where, only if isinstance(table, Mapping) else table, {name: choice}, folder)[1]
            return None
        means: type[Section] = section or kinds[word].section
        own = {key.name: key for key in keys_of(means)}
        values, faults = read_keys(
            where, table, own, folder, others={name: Key(name=name, rule=Text(), text="", default="")}
        )
        self.faults += faults
        if faults:
            return None
        values.pop(name)
        made = means(**values)
        more = list(made.faults())
        self.faults += more
        return None if more else Chosen(word=word, config=made)

    def _people(self, config: PeopleConfig | None) -> tuple[PersonFolder, ...]:
        if config is None:
            return ()
        people, faults = find_people(config)
        self.faults += faults
        return people

    def _prompts(self, config: PromptsConfig | None, people: PeopleConfig | None) -> tuple[str, ...]:
        if config is None:
            return ()
        prompts = config.all()
        most = people.together if people is not None else None
        for prompt in prompts:
            places = [int(place) for place in PLACE.findall(prompt)]
            if most is not None and any(not 1 <= place <= most for place in places):
                self.faults.append(
                    f'[prompts] has "{prompt}", but together is {most}; places of nouns go from {{1}} to {{{most}}}.'
                )
        return prompts
