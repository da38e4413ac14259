"""Weights from files and state dicts: reading them safely, and telling missing, truncated or foreign ones from good ones."""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from ..errors import CorruptModelFileError, MissingModelFileError, UnknownCheckpointError, first_line
from .signatures import known_files
from .state_dict import flatten, identify, summarise

WeightsFormat = Literal["safetensors", "zip", "pickle"]
Source: TypeAlias = "str | PathLike[str] | Mapping[str, Any]"

BLOCK = 1 << 22  # bytes hashed at a time
HEAD_BYTES = 512  # enough to tell text from weights and to quote the text
MAX_SAFETENSORS_HEADER = 100_000_000  # bytes; the limit of the safetensors format itself
LFS_POINTER = b"version https://git-lfs"
MARKUP = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")


def read_state_dict(path: str | Path) -> dict[str, Any]:
    """Read weights; the format is told by the file's first bytes, never by its name.

    Args:
        path: a safetensors file or one written by torch.save.

    Returns:
        What the file holds, on the CPU: nested dicts of tensors as they were saved, or for safetensors one flat dict
        whose keys may be dotted ("faceid_proj.latents").

    Raises:
        MissingModelFileError: if there is no such file.
        CorruptModelFileError: if it is empty, truncated, or text (a web page, a git-lfs pointer).
        UnknownCheckpointError: if it is no weights file, or holds something else than tensors.
    """
    path = Path(path)
    if weights_format(path) == "safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except SafetensorError as error:
            raise CorruptModelFileError(f"{_named(path)} cannot be read ({error}); download it again.") from error
    return _read_pickle(path)


def read_shapes(path: str | Path) -> dict[str, Any]:
    """What a weights file holds, without its values: nested as `read_state_dict` gives it, tensors on the meta device.

    Raises:
        MissingModelFileError, CorruptModelFileError, UnknownCheckpointError: see `read_state_dict`.
    """
    path = Path(path)
    if weights_format(path) != "safetensors":
        return _read_pickle(path, "meta")
    with path.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    entries = ((key, entry["shape"]) for key, entry in header.items() if key != "__metadata__")
    try:
        return {key: torch.empty(shape, device="meta") for key, shape in entries}
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise CorruptModelFileError(
            f"{_named(path)} has a safetensors header with impossible shapes ({first_line(error)}); download it again."
        ) from error


def read_metadata(path: str | Path) -> dict[str, str]:
    """What the writer of a safetensors file noted in it; empty for files of another format.

    Raises:
        MissingModelFileError, CorruptModelFileError, UnknownCheckpointError: see `read_state_dict`.
    """
    path = Path(path)
    if weights_format(path) != "safetensors":
        return {}
    with path.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    return {str(key): str(value) for key, value in header.get("__metadata__", {}).items()}


def sha256(path: str | PathLike[str]) -> str:
    """The hash of a file's bytes, hexadecimal.

    Raises:
        MissingModelFileError, CorruptModelFileError: see `read_head`.
    """
    path = Path(path)
    read_head(path)
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while part := stream.read(BLOCK):
            digest.update(part)
    return digest.hexdigest()


def weights_format(path: str | Path) -> WeightsFormat:
    """Tell the format of a weights file and check that it is whole as far as its structure shows.

    Raises:
        MissingModelFileError, CorruptModelFileError, UnknownCheckpointError: see `read_state_dict`.
    """
    path = Path(path)
    head = read_head(path)
    if head.startswith(b"PK\x03\x04"):
        if not zipfile.is_zipfile(path):  # the table of contents is at the end
            raise CorruptModelFileError(_truncated(path, "its table of contents is missing"))
        return "zip"
    if head.startswith(b"\x80") and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    if head[8:9] == b"{":
        _check_safetensors(path)
        return "safetensors"
    raise UnknownCheckpointError(
        f"{_named(path)} is neither a safetensors file nor one written by torch.save (it begins with {head[:8]!r}); "
        "choose another file."
    )


def read_head(path: Path) -> bytes:
    """The first bytes of a file, once it is clear that they are not text.

    Args:
        path: the file.

    Returns:
        Up to `HEAD_BYTES` bytes.

    Raises:
        MissingModelFileError: if there is no such file.
        CorruptModelFileError: if it is empty, a web page, a git-lfs pointer or other text.
    """
    if not path.is_file():
        raise MissingModelFileError(f"{_named(path)} does not exist in {path.parent}; put it there or choose another.")
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise CorruptModelFileError(f"{_named(path)} is empty; download it again.")
    if head.startswith(LFS_POINTER):
        raise CorruptModelFileError(
            f"{_named(path)} is a git-lfs pointer, not the weights; run `git lfs pull` there or download the file itself."
        )
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.lower().startswith(MARKUP):
        raise CorruptModelFileError(
            f"{_named(path)} is a web page (HTML), not weights; download the file itself, not the page that shows it."
        )
    if _is_text(head):
        quote = text[:60].decode("ascii", "replace").splitlines()[0] if text else ""
        raise CorruptModelFileError(f'{_named(path)} is text, not weights (it begins "{quote}"); download it again.')
    return head


def _read_pickle(path: Path, device: str = "cpu") -> dict[str, Any]:
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights_only" not in str(error).lower() and "weights only" not in str(error).lower():
            raise CorruptModelFileError(_truncated(path, str(error))) from error
        raise UnknownCheckpointError(
            f"{_named(path)} holds Python objects other than tensors, which are not loaded because they could run "
            "code; convert it to safetensors or choose another file."
        ) from error
    except (EOFError, RuntimeError, ValueError, KeyError, OSError) as error:
        if "torchscript" in str(error).lower():
            raise UnknownCheckpointError(
                f"{_named(path)} is a TorchScript program, not weights; choose the state dict instead."
            ) from error
        raise CorruptModelFileError(_truncated(path, first_line(error))) from error
    if not isinstance(content, dict):
        raise UnknownCheckpointError(
            f"{_named(path)} holds a {type(content).__name__} instead of a dict of tensors; choose another file."
        )
    return content


def _check_safetensors(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > MAX_SAFETENSORS_HEADER:
            raise UnknownCheckpointError(
                f"{_named(path)} is neither a safetensors file nor one written by torch.save; choose another file."
            )
        header = stream.read(length)
    if len(header) < length:
        raise CorruptModelFileError(_truncated(path, f"its header of {length} bytes is cut off"))
    try:
        entries = json.loads(header)
        end = max((entry["data_offsets"][1] for key, entry in entries.items() if key != "__metadata__"), default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise CorruptModelFileError(
            f"{_named(path)} has a safetensors header that cannot be read ({error}); download it again."
        ) from error
    expected = 8 + length + end
    if size < expected:
        raise CorruptModelFileError(_truncated(path, f"it has {size:,} of {expected:,} bytes"))


def _is_text(head: bytes) -> bool:
    return all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head)


def _truncated(path: Path, reason: str) -> str:
    return f"{_named(path)} is truncated or damaged ({reason.rstrip('.')}); download it again."


def _named(path: Path) -> str:
    return f'The file "{path.name}"'


def read_weights(source: Source, kind: str, *others: str, called: str = "") -> tuple[dict[str, Tensor], str]:
    """Read weights of one kind, or of one of several.

    Args:
        source: path or state dict, nested or flat.
        kind: one of `known_files()`; its `belongs` names the widget to choose them in.
        others: further kinds that are as welcome.
        called: what a message calls all of them, with its article; empty for the description of `kind`.

    Returns:
        The flat weights, and what messages call them.

    Raises:
        UnknownCheckpointError: naming what the weights look like and where they belong.
        LikenessError: if the file cannot be read, see `read_state_dict`.
    """
    weights, name = read_flat(source)
    found = identify(weights, known_files())
    if found is not None and found.kind in (kind, *others):
        return weights, name
    wanted = next(signature for signature in known_files() if signature.kind == kind)
    called = called or wanted.description
    looks = "no adapter known here"
    if found is not None:
        looks = f"{found.description}, which belongs {found.belongs}" if found.belongs else found.description
    raise UnknownCheckpointError(
        f"{name} is not {called}: it holds {summarise(weights)} and looks like {looks}. "
        f"Choose {called} {wanted.belongs}."
    )


def read_flat(source: Source) -> tuple[dict[str, Tensor], str]:
    """Read weights of any kind.

    Returns:
        The flat weights, and what messages call them.

    Raises:
        LikenessError: if the file cannot be read, see `read_state_dict`.
    """
    if isinstance(source, Mapping):
        return flatten(source), "The given weights"
    return flatten(read_state_dict(Path(source))), f'"{Path(source).name}"'
