"""Tiny models with FaceStudio in both forms, a vision model of ComfyUI's own, the parser of painted faces, and model folders of a
test's own."""

# pyright: reportUnusedImport=false

from likeness.tests.host.conftest import conditioning, cross_sites, tiny_model, vision_model  # noqa: F401
from likeness.tests.host.facestudio.conftest import facestudio, facestudio_weights, style  # noqa: F401
from likeness.tests.host.ip_adapter.conftest import ip_adapter, ip_adapter_weights  # noqa: F401
from likeness.tests.host.model_folders import folders, put  # noqa: F401
from likeness.tests.host.painted_parser import parser  # noqa: F401
