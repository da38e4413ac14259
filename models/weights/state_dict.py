"""State dicts: what a file is (by its keys), and loading it strictly with one readable report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

import torch
from torch import Tensor, nn

from ..errors import UnknownCheckpointError, shorten
from .tensors import converted, short

DEEPEST = 8  # dicts in dicts; published files have three
MOST_ENTRIES = 200_000
MOST_NAMED, MOST_LETTERS = 8, 120  # keys named per kind of fault, and their letters
_M = TypeVar("_M", bound=nn.Module)


Layer = Literal[
    "pooled", "tokens"
]  # what an adapter reads of CLIP: its embedding of a picture, or the tokens before it


@dataclass(frozen=True, slots=True)
class Width:
    """Where files of a kind tell how wide something is.

    Attributes:
        key: regular expression that matches the beginning of a key.
        axis: of that tensor.
    """

    key: str
    axis: int

    def of(self, weights: Mapping[str, Tensor]) -> int | None:
        """The width that weights tell, by the first key that matches; None where none does."""
        expression = re.compile(self.key)
        found = next((tensor for key, tensor in weights.items() if expression.match(key)), None)
        return found.shape[self.axis] if found is not None and found.ndim > self.axis else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How one kind of file is recognised.

    Attributes:
        kind: short name that code compares.
        description: what a message calls such a file, with its article.
        has: regular expressions; each must match the beginning of at least one key.
        lacks: regular expressions; none may match the beginning of any key.
        belongs: where the user should put such a file, completing "it belongs ..."; empty where we have no use for it.
        context: of the rows of text that it stands beside in a UNet, by which families of checkpoints differ.
        picture: of what it reads of an image encoder, and which layer of it that is.
    """

    kind: str
    description: str
    has: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    belongs: str = ""
    context: Width | None = None
    picture: tuple[Layer, Width] | None = None

    def matches(self, keys: Iterable[str]) -> bool:
        """Whether keys are those of such a file."""
        names = list(keys)

        def found(pattern: str) -> bool:
            expression = re.compile(pattern)
            return any(expression.match(name) for name in names)

        return all(map(found, self.has)) and not any(map(found, self.lacks))


@dataclass(slots=True)
class KeyReport:
    """Every fault found while a file is read, told at once.

    Attributes:
        name: what the message calls the file or the part of it.
        missing: keys that should be there.
        unexpected: keys that nobody knows.
        misshaped: one phrase per tensor whose shape does not fit.
        mistyped: one phrase per tensor that holds whole numbers where weights are.
    """

    name: str
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    misshaped: list[str] = field(default_factory=list)
    mistyped: list[str] = field(default_factory=list)

    def expect_shape(self, key: str, tensor: Tensor, expected: tuple[int, ...]) -> None:
        """Note a tensor whose shape differs from the expected one."""
        if tuple(tensor.shape) != expected:
            self.misshaped.append(f"{key} is {tuple(tensor.shape)} and should be {expected}")

    def raise_if_faulty(self) -> None:
        """Raise UnknownCheckpointError naming the first faults of each kind."""
        kinds = {"missing": self.missing, "unexpected": self.unexpected, "of another shape": self.misshaped}
        kinds["of another type"] = self.mistyped
        found = [f"{len(faults)} {kind} ({_first(faults)})" for kind, faults in kinds.items() if faults]
        if found:
            raise UnknownCheckpointError(
                f"{self.name} does not fit: keys {'; '.join(found)}. Download the file again or choose another one."
            )


def flatten(state_dict: Mapping[str, Any], name: str = "The given weights") -> dict[str, Tensor]:
    """Join nested dicts into one with dotted keys; entries that are not tensors are dropped.

    A single wrapping "state_dict" is taken off.

    Args:
        state_dict: nested or flat.
        name: what a message calls it.

    Raises:
        UnknownCheckpointError: if it is nested deeper, or has more entries, than any weights, or holds itself.
    """
    flat: dict[str, Tensor] = {}
    waiting: list[tuple[Iterator[tuple[str, Any]], str]] = [(iter(state_dict.items()), "")]
    seen = 0
    while waiting:
        entries, prefix = waiting[-1]
        found = next(entries, None)
        if found is None:
            waiting.pop()
            continue
        key, value = found
        if isinstance(value, Tensor):
            flat[f"{prefix}{key}"] = value
        elif isinstance(value, Mapping):
            waiting.append((iter(cast(Mapping[str, Any], value).items()), f"{prefix}{key}."))
        seen += 1
        if len(waiting) > DEEPEST or seen > MOST_ENTRIES:
            raise UnknownCheckpointError(
                f"{name} does not fit: its dicts are nested more than {DEEPEST} deep, or hold themselves or more than "
                f"{MOST_ENTRIES:,} entries; choose another file."
            )
    if flat and all(key.startswith("state_dict.") for key in flat):
        return subset(flat, "state_dict.")
    return flat


def subset(state_dict: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries below a prefix, without it."""
    return {key[len(prefix) :]: tensor for key, tensor in state_dict.items() if key.startswith(prefix)}


def identify(keys: Iterable[str], signatures: Iterable[Signature]) -> Signature | None:
    """The first signature that fits the keys, or None."""
    names = list(keys)
    return next((signature for signature in signatures if signature.matches(names)), None)


def summarise(keys: Iterable[str]) -> str:
    """A phrase that shows what a file holds: number of keys and how they begin."""
    names = list(keys)
    heads = dict.fromkeys(".".join(name.split(".")[:2]) if name.count(".") > 1 else name for name in names)
    shown = ", ".join(f'"{shorten(head, 28)}"' for head in list(heads)[:3])
    return f"{len(names)} keys beginning {shown}" if names else "no tensors"


def require_keys(state_dict: Mapping[str, Tensor], shapes: Mapping[str, int], name: str) -> None:
    """Check the tensors that sizes are read from.

    Args:
        state_dict: the weights.
        shapes: number of axes that each key must have.
        name: what the message calls the part.

    Raises:
        UnknownCheckpointError: naming every missing key and every tensor with another number of axes.
    """
    report = KeyReport(name, missing=[key for key in shapes if key not in state_dict])
    for key, axes in shapes.items():
        if key in state_dict and state_dict[key].ndim != axes:
            report.misshaped.append(f"{key} has {state_dict[key].ndim} axes and should have {axes}")
        elif key in state_dict and not state_dict[key].numel():
            report.misshaped.append(f"{key} is empty")
    report.raise_if_faulty()


def load_strictly(
    module: _M, state_dict: Mapping[str, Tensor], name: str, *, dtype: torch.dtype | None = torch.float32
) -> _M:
    """Fill a module built on the meta device, all keys and shapes exact.

    Args:
        module: the module, freshly built; its tensors are replaced, never copied into.
        state_dict: the weights; the module may share their memory.
        name: what a message calls the part.
        dtype: of the floating point tensors afterwards; None keeps the file's.

    Returns:
        The module in eval mode, its parameters frozen.

    Raises:
        UnknownCheckpointError: naming all missing, unexpected, mis-shaped and mis-typed keys; or one whose numbers are too large for
            the type.
    """
    wanted = module.state_dict()
    given = {key: tensor for key, tensor in state_dict.items() if key in wanted}
    for key, tensor in wanted.items():
        if key.endswith(".num_batches_tracked"):  # a counter that conversions like to drop; unused in eval mode
            given[key] = torch.zeros((), dtype=tensor.dtype)
    report = KeyReport(name, missing=[key for key in wanted if key not in given])
    report.unexpected.extend(key for key in state_dict if key not in wanted)
    for key, tensor in given.items():
        report.expect_shape(key, tensor, tuple(wanted[key].shape))
        if wanted[key].is_floating_point() and not tensor.is_floating_point():
            report.mistyped.append(f"{key} is {short(tensor.dtype)} and should hold fractions")
    report.raise_if_faulty()
    given = {
        key: converted(key, tensor, dtype, name) if tensor.is_floating_point() else tensor
        for key, tensor in given.items()
    }
    module.load_state_dict(given, strict=True, assign=True)
    return module.eval().requires_grad_(False)


def _first(faults: list[str]) -> str:
    """The first faults, as many as a message has room for, at least one."""
    room, shown = MOST_LETTERS, list[str]()
    for fault in faults[:MOST_NAMED]:
        room -= len(fault)
        if shown and room < 0:
            break
        shown.append(fault)
    rest = len(faults) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
