"""UniPortrait's published files."""

from __future__ import annotations

from ..weights.known_file import HOST, KnownFile

UNIPORTRAIT_PAGE = f"{HOST}Junjie96/UniPortrait"

FACEID = KnownFile(
    name="uniportrait-faceid_sd15.bin",
    folder="uniportrait",
    page=UNIPORTRAIT_PAGE,
    path="uniportrait-faceid_sd15.bin",
    what="UniPortrait's adapter for SD1.5",
    size="224 MB",
    licence="Apache-2.0",
    base="SD1.5",
    commercial="yes",
)
ROUTER = KnownFile(
    name="uniportrait-router_sd15.bin",
    folder="uniportrait",
    page=UNIPORTRAIT_PAGE,
    path="uniportrait-router_sd15.bin",
    what="UniPortrait's router, for two or more people",
    size="226 MB",
    licence="Apache-2.0",
    base="SD1.5",
    commercial="yes",
)
BACKBONE = KnownFile(
    name="glint360k_curricular_face_r101_backbone.bin",
    folder="uniportrait",
    page=UNIPORTRAIT_PAGE,
    path="glint360k_curricular_face_r101_backbone.bin",
    what="UniPortrait's face backbone",
    size="261 MB",
    licence="tagged Apache-2.0; the terms of its training data are not stated",
    commercial="unclear",
)
