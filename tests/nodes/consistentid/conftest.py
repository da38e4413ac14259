"""The tiny models of the host's tests."""

from likeness.tests.host.conftest import (  # noqa: F401
    consistentid,
    consistentid_files,
    cross_sites,
    crowd,
    narrow_clip,
    tiny_model,
    vision_model,
    wide_vision,
)
