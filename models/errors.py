"""Every exception the pack raises on purpose: what happened, what was seen, what to do."""

from __future__ import annotations

import copyreg
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SHOWN_MODULE = "likeness"


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
    """Base of all errors that a user can act on."""


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


class ConfigError(LikenessError, ValueError):
    """A configuration file has faults; the message lists all of them, one line each."""


class ShapeError(LikenessError, ValueError):
    """A tensor has a shape that the callee cannot use."""


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
