"""What ConsistentID's files look like, and where users keep them."""

from __future__ import annotations

from ..weights.state_dict import Signature

CONSISTENTID = "ConsistentID"

_LAYER = r"\d+\."
FOLDERS = ("consistentid",)
FILES = (
    Signature(
        kind=CONSISTENTID,
        description="a ConsistentID file",
        has=(r"FacialEncoder\.", rf"adapter_modules\.{_LAYER}"),
        belongs='in "consistentid" of Load ConsistentID',
    ),
)
