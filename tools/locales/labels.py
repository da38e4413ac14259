"""What is said of nodes, inputs and outputs: labels for identifiers, and Chinese for the sentences of the schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..comfyui.inputs import read_inputs

LANGUAGES = ("en", "zh")
# The page reads messages as patterns, in which these begin something; one that it cannot read stops 0.3.64's page.
PATTERN_LETTERS = frozenset("@{}|")
FOLDER = Path(__file__).resolve().parent
Side = Literal["<", ">"]


@dataclass(slots=True)
class Words:
    """The tables of words, and which of them were asked for.

    Attributes:
        labels: per identifier, or per "NODE < input" and "NODE > output" where a node calls it otherwise, its label in
            every language of `LANGUAGES`.
        sentences: Chinese for the English of a schema: names of nodes, descriptions and tooltips.
        used: the keys of both tables that were asked for.
        missing: the keys that were asked for and are not there.
    """

    labels: Mapping[str, list[str]]
    sentences: Mapping[str, str]
    used: set[str] = field(default_factory=set[str])
    missing: set[str] = field(default_factory=set[str])

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Words:
        """Read both tables of a folder."""
        labels, sentences = (
            json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("labels", "sentences")
        )
        return cls(labels, sentences)

    def label(self, language: str, node: str, side: Side, name: str) -> str:
        """Give the label of an input (`<`) or output (`>`) of a node; its identifier where there is none."""
        own = f"{node} {side} {name}"
        key = own if own in self.labels else name
        if key not in self.labels:
            self.missing.add(own)
            return name
        self.used.add(key)
        return self.labels[key][LANGUAGES.index(language)]

    def sentence(self, language: str, english: str) -> str:
        """Give a sentence of a schema in a language; in English where there is none."""
        if language == "en":
            return english
        if english not in self.sentences:
            self.missing.add(english)
            return english
        self.used.add(english)
        return self.sentences[english]

    def unused(self) -> set[str]:
        """Give the keys that nobody has asked for."""
        return {*self.labels, *self.sentences} - self.used


def translate(definitions: Mapping[str, Any], language: str, words: Words) -> dict[str, Any]:
    """Give a `nodeDefs.json` of ComfyUI.

    English sentences that hold a letter of `PATTERN_LETTERS` are left out: the page then shows the schema's, as it is.

    Args:
        definitions: the pack's nodes as `/object_info` describes them.
        language: one of `LANGUAGES`.
        words: the tables; they note what is missing.
    """
    return {
        node: {
            **_said("display_name", words.sentence(language, definition["display_name"])),
            **_said("description", words.sentence(language, definition["description"])),
            "inputs": {
                entry.name: {
                    "name": words.label(language, node, "<", entry.name),
                    **_said("tooltip", words.sentence(language, str(entry.options.get("tooltip") or ""))),
                }
                for entry in read_inputs(definition)
            },
            "outputs": {
                str(slot): {
                    "name": words.label(language, node, ">", name),
                    **_said("tooltip", words.sentence(language, tooltip or "")),
                }
                for slot, (name, tooltip) in enumerate(
                    zip(definition["output_name"], definition["output_tooltips"], strict=True)
                )
            },
        }
        for node, definition in sorted(definitions.items())
    }


def _said(key: str, text: str) -> dict[str, str]:
    return {} if PATTERN_LETTERS & set(text) else {key: text}
