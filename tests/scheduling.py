"""Which tests one of several worker processes gets together: those of a file, and all that share the miniature's server."""

from __future__ import annotations

import functools
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).resolve().parents[1]
SERVER = "miniature_server"


class SharedServerScheduling(LoadFileScheduling):
    """The tests of a file run in one process; so do the files that name the server, which starts only once."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(super()._split_scope(nodeid))


@functools.cache
def scope_of(file: str) -> str:
    """Return the name under which a test file is handed out; `file` is its path below the root."""
    return SERVER if SERVER in (ROOT / file).read_text(encoding="utf-8") else file
