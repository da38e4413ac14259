"""Who may make the doctor write files: the user of this very computer, from ComfyUI's own page.

ComfyUI's origin check lets everybody through who sends no Origin, and is off with --enable-cors-header; a download writes
gigabytes, so this one is stricter and does not lean on it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

ALLOW_REMOTE = "LIKENESS_REMOTE_DOWNLOADS"  # environment variable of whoever starts the server
FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded")
SAME = ("same-origin", "none")
JSON = "application/json"


def refusal(remote: str | None, headers: Mapping[str, str]) -> str:
    """Why a request may not make files; empty where it may.

    Args:
        remote: the address that the request came from.
        headers: of the request; must not care about the case of names, as HTTP does not.

    Returns:
        One sentence. A request must be JSON, which no other site's form can send; come from the page of the server that it
        asks; and, unless whoever started the server set LIKENESS_REMOTE_DOWNLOADS=1, come from this computer, under a name of
        this computer, through no proxy.
    """
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != JSON:
        return f"The doctor's requests must be sent as {JSON}."
    host, origin = headers.get("Host", ""), headers.get("Origin")
    is_foreign = origin is not None and _place(origin) != host.lower()
    if is_foreign or headers.get("Sec-Fetch-Site", SAME[0]) not in SAME:
        return "This request came from another site's page and was refused; use the button in ComfyUI's own page."
    if os.environ.get(ALLOW_REMOTE) == "1":
        return ""
    is_near = _is_loopback(remote or "") and _is_loopback(_name(host))
    if not is_near or any(name in headers for name in FORWARDED):
        return (
            "Files are downloaded and converted only for the user of the computer that ComfyUI runs on; use models_doctor.py "
            f"there, or start ComfyUI with {ALLOW_REMOTE}=1 in its environment if all who reach it may do so."
        )
    return ""


def _place(origin: str) -> str:
    """Name and port of an origin; empty where it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _name(host: str) -> str:
    """The name in a Host header; empty where there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
