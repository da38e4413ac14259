"""The tiny models of the host's tests, and model folders of a test's own."""

# pyright: reportUnusedImport=false

from likeness.tests.host.conftest import (  # noqa: F401
    adapter,
    cross_sites,
    tiny_model,
    uniportrait_files,
    vision_model,
)
from likeness.tests.host.model_folders import folders, put  # noqa: F401
