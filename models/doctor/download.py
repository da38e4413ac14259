"""Fetching one published file: on request only, resumed where it was cut off, checked before it gets its name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..errors import DownloadError, InvalidSettingError, LikenessError, first_line
from ..packages import import_package
from ..weights.head import sha256
from ..weights.known_file import KnownFile
from .placing import FORBIDDEN, FULL, make_folder, megabytes, place, require_absent, require_space, writing_failed
from .recognition import recognise

Progress = Callable[[int, int], None]  # bytes that are there, bytes in all

SHA256 = re.compile(r"[0-9a-f]{64}")
PURPOSE = "Downloading a model file"
OTHERWISE = "or download the file with a browser."


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """What a download came to.

    Attributes:
        path: the file.
        note: a sentence on how it was checked.
    """

    path: Path
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """What a server says about a file.

    Attributes:
        location: its address.
        size: bytes.
        sha256: its hash, hexadecimal; empty where the server tells none.
        name: for the part that is there so far; another one for another file.
    """

    location: str
    size: int
    sha256: str
    name: str


def nothing(done: int, total: int) -> None:
    """A progress that nobody looks at."""


def download(known: KnownFile, folder: Path, progress: Progress = nothing) -> Downloaded:
    """Fetch a published file with huggingface_hub, which knows HF_ENDPOINT and HF_HUB_OFFLINE; no token is sent.

    What has come is kept in a hidden file beside the target, so that the next try goes on there. It gets its name when
    size, hash and first bytes are right, and never replaces a file.

    Args:
        known: which file.
        folder: where it goes; made if need be.
        progress: called as bytes come.

    Raises:
        InvalidSettingError: if the file is not on huggingface.co, or there is a file of its name.
        MissingPackageError: if huggingface_hub is missing.
        DownloadError: if the network, the server, the disk or the file is not as it should be.
    """
    if not known.repository:
        raise InvalidSettingError(
            f"{known.name} is not on huggingface.co; get it from {known.page} and put it into {folder}."
        )
    target = folder / known.name
    require_absent(target)
    offer = _ask(known)
    make_folder(folder)
    part = folder / offer.name
    _fetch(known, offer, part, progress)
    note = _check(known, offer, part)
    place(part, target)
    return Downloaded(path=target, note=note)


def _ask(known: KnownFile) -> _Offer:
    hub = import_package("huggingface_hub", "hf_hub_url", "get_hf_file_metadata", purpose=PURPOSE, otherwise=OTHERWISE)
    constants = import_package("huggingface_hub.constants", "ENDPOINT", purpose=PURPOSE, otherwise=OTHERWISE)
    if constants.HF_HUB_OFFLINE:
        raise DownloadError(
            f"{known.name} was not downloaded, because HF_HUB_OFFLINE is set: unset it and start again, or get the file "
            f"from {known.url} and put it into models/{known.folder}."
        )
    try:
        found = hub.get_hf_file_metadata(hub.hf_hub_url(known.repository, known.path), token=False)
    except Exception as error:  # each version of the library, and of what it stands on, raises errors of its own
        raise DownloadError(
            f"{constants.ENDPOINT} did not tell about {known.name} ({first_line(error)}); check the network and "
            f"HF_ENDPOINT, or get it from {known.url}"
        ) from error
    if not found.size:
        raise DownloadError(f"{constants.ENDPOINT} does not tell the size of {known.name}; get it from {known.url}")
    stated = found.etag if found.etag and SHA256.fullmatch(found.etag) else ""
    if known.bytes and found.size != known.bytes:
        raise DownloadError(
            f"{constants.ENDPOINT} offers {found.size:,} bytes as {known.name}, and the published file has {known.bytes:,}: "
            "it is another file, and nothing was downloaded."
        )
    if known.sha256 and stated and stated != known.sha256:
        raise DownloadError(
            f"{constants.ENDPOINT} offers a file with the hash {stated[:12]}… as {known.name}, and that of the published one "
            f"is {known.sha256[:12]}…: it is another file, and nothing was downloaded."
        )
    label = hashlib.sha256(f"{known.name} {found.etag} {found.size}".encode()).hexdigest()[:12]
    return _Offer(
        location=found.location, size=found.size, sha256=known.sha256 or stated, name=f".{known.name}.{label}.part"
    )


def _fetch(known: KnownFile, offer: _Offer, part: Path, progress: Progress) -> None:
    """Append to the part what is missing of it."""
    there = part.stat().st_size if part.exists() else 0
    if there > offer.size:
        part.unlink()
        there = 0
    if there == offer.size:
        return
    require_space(part.parent, offer.size - there)
    transfer = import_package("huggingface_hub.file_download", "http_get", purpose=PURPOSE, otherwise=OTHERWISE)
    try:
        with part.open("ab") as stream:
            counted = _Counted(stream, offer.size, progress)
            transfer.http_get(offer.location, cast(BinaryIO, counted), resume_size=there, expected_size=offer.size)
    except Exception as error:
        have = part.stat().st_size if part.exists() else 0
        if have > offer.size:
            part.unlink()
            raise DownloadError(
                f"{known.name} came with more than the {offer.size:,} bytes that were announced and was thrown away; try again."
            ) from error
        said = f"The download of {known.name} broke off ({first_line(error)}); try again."
        if isinstance(error, OSError) and error.errno in (*FULL, *FORBIDDEN):
            said = str(writing_failed(part.parent, error))
        kept = f" What has come ({megabytes(have)} of {megabytes(offer.size)}) is kept; the next try goes on there."
        raise DownloadError(f"{said}{kept if have else ''}") from error


def _check(known: KnownFile, offer: _Offer, part: Path) -> str:
    """Compare the finished part with what it should be; one that is wrong is thrown away."""
    fault = _fault(known, offer, part)
    if fault:
        part.unlink()
        raise DownloadError(fault)
    if known.sha256:
        return "Its hash is that of the published file."
    if offer.sha256:
        return "Its hash is the one that the server states; the pack knows none."
    return "Its hash is not known; its size is the one that the server states."


def _fault(known: KnownFile, offer: _Offer, part: Path) -> str:
    size = part.stat().st_size
    if size != offer.size:
        return f"{known.name} came with {size:,} of {offer.size:,} bytes and was thrown away; try again."
    try:
        found = sha256(part)
    except LikenessError as error:  # a web page in place of the file
        return f"{known.name} was thrown away: {str(error).replace(part.name, known.name)}"
    if offer.sha256 and found != offer.sha256:
        return (
            f"{known.name} has the hash {found[:12]}… instead of {offer.sha256[:12]}… and was thrown away; try again, and "
            "if it happens again, do not trust where it came from."
        )
    seen = recognise(part, known.name)
    return f"{known.name} was thrown away: {seen.fault}" if seen.damaged else ""


class _Counted:
    """A file that tells how much of it there is, and stops where it should be whole."""

    def __init__(self, stream: BinaryIO, total: int, progress: Progress) -> None:
        self._stream, self._total, self._progress = stream, total, progress
        self.name = stream.name  # older versions may hand it to a helper that writes by itself

    def write(self, data: Any) -> int:
        """Write, and tell."""
        count = self._stream.write(data)
        there = self._stream.tell()
        if there > self._total:
            raise DownloadError("More comes than was announced.")
        self._progress(there, self._total)
        return count

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """The place."""
        return self._stream.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut off."""
        return self._stream.truncate(size)

    def flush(self) -> None:
        """Hand everything to the system."""
        self._stream.flush()
