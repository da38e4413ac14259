"""What files of some methods may hold: the sections and keys of each, and which of them only some know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from functools import cached_property

from ...models.config.keys import Key, keys_of
from ...models.config.rules import Choice
from .run import TrainingConfig, sections_of

Keys = Mapping[str, Mapping[str, Key]]  # section → name → key


@dataclass(frozen=True, eq=False)
class Schema:
    """Everything that can be written into a file.

    Attributes:
        methods: the configuration class of each, at least one.
    """

    methods: Sequence[type[TrainingConfig]]

    @cached_property
    def name(self) -> Key:
        """The key `[method] name`, which chooses the class."""
        return Key(
            name="name",
            rule=Choice(tuple(method.name for method in self.methods)),
            default=MISSING,
            text=", or ".join(dict.fromkeys(method.title for method in self.methods)),
        )

    @cached_property
    def by_method(self) -> Mapping[str, Keys]:
        """The keys of each method, by its name."""
        return {method.name: self._keys(method) for method in self.methods}

    @cached_property
    def all(self) -> Keys:
        """The keys of all methods; one that several know is described by the first of them."""
        sections: dict[str, dict[str, Key]] = {}
        for keys in self.by_method.values():
            for section, mine in keys.items():
                known = sections.setdefault(section, {})
                known.update({name: key for name, key in mine.items() if name not in known})
        return sections

    def users(self, section: str, name: str) -> list[str]:
        """Names of the methods that know a key."""
        return [method for method, keys in self.by_method.items() if name in keys.get(section, {})]

    def _keys(self, method: type[TrainingConfig]) -> Keys:
        found = {section: {key.name: key for key in keys_of(kind)} for section, kind in sections_of(method).items()}
        found["method"] = {"name": self.name, **found["method"]}
        return found
