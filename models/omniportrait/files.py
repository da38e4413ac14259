"""What OmniPortrait's files look like, and where users keep them."""

from __future__ import annotations

from ..weights.state_dict import Signature

OMNIPORTRAIT = "OmniPortrait"

FOLDERS = ("omniportrait",)
FILES = (
    Signature(
        kind=OMNIPORTRAIT,
        description="an OmniPortrait file",
        has=(r"fusion\.weight$", r"fusion\.bias$"),
        belongs='in "omniportrait" of Load OmniPortrait',
    ),
)
