"""The inputs of a node as ComfyUI's `/object_info` describes them, the same for old and new node styles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a node.

    Attributes:
        name: its name in a prompt.
        kind: its type; `COMBO` for every list of choices.
        required: whether a prompt must give it.
        options: what the definition says about it: default, min, max, tooltip and the like.
        choices: what a COMBO offers, else empty.
    """

    name: str
    kind: str
    required: bool
    options: Mapping[str, Any]
    choices: tuple[Any, ...]

    @property
    def is_widget(self) -> bool:
        """Whether it is filled in on the node rather than linked."""
        return self.kind in WIDGET_TYPES and not self.options.get("forceInput")

    @property
    def is_text(self) -> bool:
        """Whether its widget is a text box of several lines."""
        return bool(self.options.get("multiline"))

    @property
    def has_control(self) -> bool:
        """Whether the page adds "control after generate" below it."""
        return bool(self.options.get("control_after_generate"))

    @property
    def has_upload(self) -> bool:
        """Whether the page adds an upload button below it."""
        return bool(self.options.get("image_upload"))

    @property
    def rows(self) -> int:
        """How many widgets the page shows for it."""
        return 1 + self.has_control + self.has_upload

    @property
    def default(self) -> Any:
        """What the widget holds when nobody touched it; None where the choices depend on the user's files."""
        if "default" in self.options:
            return self.options["default"]
        if self.kind == "COMBO":
            return self.choices[0] if self.choices else None
        return {"STRING": "", "BOOLEAN": False}.get(self.kind, 0)


def read_inputs(definition: Mapping[str, Any]) -> Iterator[Input]:
    """Give the inputs of one entry of `/object_info`, required ones first, in the order of their definition."""
    for section in ("required", "optional"):
        for name in definition["input_order"].get(section, ()):
            kind, *rest = definition["input"][section][name]
            options: Mapping[str, Any] = rest[0] if rest else {}
            choices = tuple(kind) if isinstance(kind, list) else tuple(options.get("options", ()))
            yield Input(name, "COMBO" if isinstance(kind, list) else kind, section == "required", options, choices)
