"""ConsistentID's published files."""

from __future__ import annotations

from ..weights.known_file import HOST, KnownFile

CONSISTENTID_PAGE = f"{HOST}JackAILab/ConsistentID"
CONSISTENTID_LICENCE = "the code says MIT and, elsewhere, Apache-2.0; no licence of the weights was found"

CONSISTENTID_SD15 = KnownFile(
    name="ConsistentID-v1.bin",
    folder="consistentid",
    page=CONSISTENTID_PAGE,
    path="ConsistentID-v1.bin",
    what="ConsistentID's adapter for SD1.5",
    size="0.4–0.7 GB",
    licence=CONSISTENTID_LICENCE,
    base="SD1.5",
    encoder="ViT-H",
    commercial="unclear",
)
CONSISTENTID_SDXL = KnownFile(
    name="ConsistentID_SDXL-v1.bin",
    folder="consistentid",
    page=CONSISTENTID_PAGE,
    path="ConsistentID_SDXL-v1.bin",
    what="ConsistentID's adapter for SDXL",
    size="1.7–3.5 GB",
    licence=CONSISTENTID_LICENCE,
    base="SDXL",
    encoder="ViT-H",
    commercial="unclear",
)
