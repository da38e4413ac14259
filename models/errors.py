"""Every exception the pack raises on purpose: what happened, what was seen, what to do."""

from __future__ import annotations

import copyreg
import importlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

SHOWN_MODULE = "likeness"
MOST = 300  # characters of a sentence
MOST_QUOTED = (80, 48, 24)  # of a name, key, path or whatever else a longer sentence quotes, until it fits
MOST_LINES = 40  # of a list of faults
_QUOTED = re.compile(r'(?<![^\s(=])"[^"]+"(?!\w)')
_WORD = re.compile(r"\S+")
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # control characters, and halves of characters
_HALVES = re.compile(r"[\ud800-\udfff]")


class ErrorKind(type):
    """The type of the pack's error classes, which show the pack's name in place of the path to their file.

    ComfyUI writes an error as module and class name, and the module of a custom node is the path of its folder.

    Attributes:
        home: the name under which the module that defines the class was imported.
    """

    home: str

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> ErrorKind:
        """Make the class, remember its module and show the pack's name instead."""
        kind = super().__new__(cls, name, bases, namespace)
        kind.home = kind.__module__
        kind.__module__ = SHOWN_MODULE
        return kind


def _find_kind(home: str, name: str) -> Any:
    """Return the class that the module called `home` defines under a name."""
    return getattr(importlib.import_module(home), name)


def _reduce_kind(kind: ErrorKind) -> tuple[Any, tuple[str, str]]:
    return _find_kind, (kind.home, kind.__qualname__)


# Pickle looks a class up by its module's name, which is not the one shown; training workers pickle class and error.
copyreg.pickle(ErrorKind, _reduce_kind)


class LikenessError(Exception, metaclass=ErrorKind):
    """Base of all errors that a user can act on.

    What is quoted in a message may be of any length and hold anything: the message is cut to what `sentence` allows.

    Attributes:
        is_list: whether the message is a list of faults, one a line.
        most: characters of the message.
    """

    is_list: ClassVar[bool] = False
    most: ClassVar[int] = MOST

    def __init__(self, *args: object, **known: object) -> None:
        if args and isinstance(args[0], str):
            args = (listed(args[0]) if self.is_list else sentence(args[0], self.most), *args[1:])
        super().__init__(*args, **known)


class NoFaceFoundError(LikenessError):
    """A reference picture shows no face that the detector accepts."""


class BadImageError(LikenessError, ValueError):
    """A picture is empty, contains NaN or has a channel count that cannot be read."""


class MissingModelFileError(LikenessError, FileNotFoundError):
    """A model file is not where the pack looks for it."""


class CorruptModelFileError(LikenessError):
    """A model file is truncated, or is a web page saved under the name of the weights."""


class DownloadError(LikenessError):
    """A model file could not be fetched, or is not the file that was meant."""


class UnknownCheckpointError(LikenessError):
    """A file was read, but its keys are not those of the adapter that was asked for."""


class IncompatibleBaseModelError(LikenessError):
    """The base model's architecture does not fit the adapter."""


class MissingPackageError(LikenessError, ImportError):
    """An optional package is needed for what was asked."""


class MissingRecordingError(LikenessError):
    """No routing was recorded for the latent that was given."""


class InvalidSettingError(LikenessError, ValueError):
    """A widget or argument is out of its range or contradicts another."""


class ResumeError(InvalidSettingError):
    """A run cannot go on from a checkpoint; the message holds the exact line to write, with a whole path in it."""

    most = 4000


class ConfigError(LikenessError, ValueError):
    """A configuration file has faults; the message lists all of them, one line each."""

    is_list = True


class ShapeError(LikenessError, ValueError):
    """A tensor has a shape that the callee cannot use."""


def shorten(text: str, most: int) -> str:
    """A text without its middle where it is too long; more of its end stays, where a path has the name of its file.

    Args:
        text: of any length.
        most: characters of what is returned.
    """
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"


def sentence(text: str, limit: int = MOST) -> str:
    """A message as it is shown: one line of at most so many characters, without what no screen shows.

    A message that is too long quotes something long: that is cut in its middle first, then the message itself.
    """
    shown = printable(" ".join(text.splitlines()))
    for most in MOST_QUOTED:
        for quoted in (_QUOTED, _WORD):
            if len(shown) > limit:
                shown = quoted.sub(lambda found, most=most: _cut(found.group(), most), shown)
    return shorten(shown, limit)


def listed(text: str) -> str:
    """A list of faults, one a line: at most `MOST_LINES` of them, each as `sentence` gives it."""
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"and {len(lines) - MOST_LINES + 1} more."]
    return "\n".join(map(sentence, lines))


def printable(text: str) -> str:
    """A text with the replacement character in place of control characters and halves of characters."""
    return _UNSHOWN.sub("\ufffd", text)


def holds_half(text: str) -> bool:
    """Whether a text holds half a character, a surrogate without its other, which no text encoder and no file takes."""
    return _HALVES.search(text) is not None


def _cut(quoted: str, most: int) -> str:
    """What a sentence quotes, shorter, its quotation marks kept."""
    if quoted.startswith('"') and quoted.endswith('"'):
        return f'"{shorten(quoted[1:-1], most)}"'
    return shorten(quoted, most)


def first_line(error: BaseException) -> str:
    """What an error of somebody else's says, for one of our sentences: its first line, or its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def require_range(name: str, value: float, highest: float, *, lowest: float = 0) -> None:
    """Check a setting that lies between `lowest` and `highest`.

    Raises:
        InvalidSettingError: if it does not.
    """
    if not lowest <= value <= highest:
        raise InvalidSettingError(f"{name} is {value}; choose a number from {lowest} to {highest}.")


def require_shape(name: str, tensor: Tensor, expected: Sequence[int | str]) -> None:
    """Check a tensor at the door of a room.

    Args:
        name: what the tensor is called in the message.
        tensor: the tensor to check.
        expected: one entry per axis: an int must match, a letter stands for any size.

    Raises:
        ShapeError: if the number of axes or a fixed size differs.
    """
    shape = tuple(tensor.shape)
    fits = len(shape) == len(expected) and all(
        isinstance(want, str) or want == have for want, have in zip(expected, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(e) for e in expected)
        raise ShapeError(f"{name} has shape {shape}; expected ({wanted}).")
