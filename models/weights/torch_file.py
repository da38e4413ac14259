"""Files written by torch.save: looked through before torch unpacks them, and unpacked without running code."""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import IO, Any

import torch

from ..errors import CorruptModelFileError, LikenessError, UnknownCheckpointError, first_line
from .head import damaged, named, told

MOST_PICKLE = 32_000_000  # bytes of what is not numbers; 100,000 tensors take 15 million
UNCOUNTED_PICKLE = 500_000  # bytes; so few cannot stand for more than 110 MB of empty containers
MOST_CONTAINERS = 500_000
CONTAINERS = {"EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET", "EMPTY_TUPLE", "MARK"}
MOST_CONTENTS = 16_000_000  # bytes; 100,000 tensors take 12 million
LONGEST_END, UNTOLD = (
    66_000,
    0xFFFFFFFF,
)  # bytes of a zip's last records; what the older of them says where the newer one knows
MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")  # in the first of the pickles of the format before 2020
LONGEST_MAGIC, PICKLES = 64, 5
PICKLE, SCRIPT = "data.pkl", "/constants.pkl"  # the latter in programs alone


def read_zip(path: Path, device: str = "cpu") -> dict[str, Any]:
    """What a file in today's format holds; its numbers stay in the file until they are looked at, as those of safetensors do.

    Args:
        path: of the file.
        device: "meta" leaves the numbers out, and does not look whether they are whole.

    Raises:
        CorruptModelFileError: if a part of it is cut off or not what was written.
        UnknownCheckpointError: if it is packed, too large for weights, or holds something else than tensors.
    """
    with told(path):
        try:
            _check_zip(path, whole=device != "meta")
        except LikenessError:
            raise
        except OSError:
            raise
        except Exception as error:  # zipfile and zlib have errors of many kinds
            raise damaged(path, first_line(error)) from error
    return _unpacked(path, device, mmap=device != "meta")


def read_pickle(path: Path, device: str = "cpu") -> dict[str, Any]:
    """What a file in the format before 2020 holds; raises as `read_zip`."""
    with told(path), path.open("rb") as stream:
        if MAGIC not in stream.read(LONGEST_MAGIC):
            raise damaged(path, "it does not begin as torch.save does")
        stream.seek(0)
        for _ in range(PICKLES):
            try:
                count = _containers(stream, stream.tell())
            except (ValueError, EOFError) as error:
                raise damaged(path, first_line(error)) from error
            if count > MOST_CONTAINERS:
                raise _crowded(path, count)
    return _unpacked(path, device, mmap=False)


def _check_zip(path: Path, *, whole: bool) -> None:
    """Check the archive and, where `whole` is asked for, the CRC of every part: what a flipped bit does not survive."""
    size = path.stat().st_size
    if (contents := _contents_size(path)) > MOST_CONTENTS:
        raise UnknownCheckpointError(
            f"{named(path)} has a table of contents of {contents:,} bytes, and weights have at most {MOST_CONTENTS:,}; choose another "
            "file."
        )
    with zipfile.ZipFile(path) as archive:
        if any(entry.filename.endswith(SCRIPT) for entry in archive.infolist()):
            raise UnknownCheckpointError(
                f"{named(path)} is a TorchScript program, not weights; choose the state dict instead."
            )
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > size:
                raise UnknownCheckpointError(
                    f"{named(path)} is a packed zip, which torch.save never writes; choose the file that is in it."
                )
            if entry.filename.rpartition("/")[2] == PICKLE:
                _check_pickle(path, archive, entry)
        broken = archive.testzip() if whole else None
    if broken is not None:
        raise damaged(path, f'the checksum of its part "{broken[:80]}" is wrong')


def _contents_size(path: Path) -> int:
    """Bytes of a zip's table of contents, as its last record says it."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - LONGEST_END))
        end = stream.read()
    short, long = end.rfind(b"PK\x05\x06"), end.rfind(b"PK\x06\x06")
    sizes = [int.from_bytes(end[short + 12 : short + 16], "little")] if short >= 0 else []
    if long >= 0:
        sizes = [size for size in sizes if size != UNTOLD] + [int.from_bytes(end[long + 40 : long + 48], "little")]
    return max(sizes, default=0)


def _check_pickle(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    if entry.file_size > MOST_PICKLE:
        raise UnknownCheckpointError(
            f"{named(path)} has {entry.file_size:,} bytes that are no numbers, and weights have at most {MOST_PICKLE:,}; choose "
            "another file."
        )
    if entry.file_size > UNCOUNTED_PICKLE:
        count = _containers(io.BytesIO(archive.read(entry)), 0)
        if count > MOST_CONTAINERS:
            raise _crowded(path, count)


def _crowded(path: Path, count: int) -> UnknownCheckpointError:
    return UnknownCheckpointError(
        f"{named(path)} holds {count:,} lists and dicts or more, which no weights do; choose another file."
    )


def _containers(stream: IO[bytes], start: int) -> int:
    """How many containers a pickle makes, counted no further than it matters.

    Raises:
        ValueError: if it is no pickle, or one longer than any of weights.
    """
    count = 0
    for code, _, _ in pickletools.genops(stream):
        count += code.name in CONTAINERS
        if count > MOST_CONTAINERS:
            break
        if stream.tell() - start > MOST_PICKLE:
            raise ValueError(f"it has more than {MOST_PICKLE:,} bytes that are no numbers")
    return count


def _unpacked(path: Path, device: str, *, mmap: bool) -> dict[str, Any]:
    try:
        with torch.inference_mode(False):
            content = torch.load(path, map_location=device, weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        if "weights_only" not in str(error).lower() and "weights only" not in str(error).lower():
            raise damaged(path, first_line(error)) from error
        raise UnknownCheckpointError(
            f"{named(path)} holds Python objects other than tensors, which are not loaded because they could run "
            "code; convert it to safetensors or choose another file."
        ) from error
    except PermissionError as error:
        raise CorruptModelFileError(
            f"{named(path)} cannot be read ({error.strerror}); let this program read it, or choose another file."
        ) from error
    except Exception as error:  # torch's unpickler lets out whatever it comes across
        raise damaged(path, first_line(error)) from error
    if not isinstance(content, dict):
        raise UnknownCheckpointError(
            f"{named(path)} holds a {type(content).__name__} instead of a dict of tensors; choose another file."
        )
    return content
