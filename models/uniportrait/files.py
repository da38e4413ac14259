"""What UniPortrait's files look like, and where users keep them."""

from __future__ import annotations

from ..weights.state_dict import Signature

FACEID, ROUTER, BACKBONE = "faceid", "router", "backbone"

_LAYER = r"\d+\."
FOLDERS = ("uniportrait",)
FILES = (
    Signature(
        kind=FACEID,
        description="a UniPortrait faceid file",
        has=(r"faceid_proj\.latents$", rf"faceid_adapter\.{_LAYER}to_k_faceid\."),
        belongs='in "faceid" of Load UniPortrait',
    ),
    Signature(
        kind=ROUTER,
        description="a UniPortrait router file",
        has=(rf"faceid_adapter\.{_LAYER}to_q_router\.",),
        lacks=(r"faceid_proj\.",),
        belongs='in "router" of Load UniPortrait',
    ),
    Signature(
        kind=BACKBONE,
        description="a face backbone",
        has=(r"input_layer\.0\.weight$", r"body\.0\.res_layer\.1\.weight$"),
        belongs='in "backbone" of Load UniPortrait',
    ),
)
