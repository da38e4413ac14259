"""A vision model of ComfyUI's own, the parser of painted faces, and model folders of a test's own."""

# pyright: reportUnusedImport=false

from likeness.tests.host.conftest import vision_model  # noqa: F401
from likeness.tests.host.model_folders import folders, put  # noqa: F401
from likeness.tests.host.painted_parser import parser  # noqa: F401
