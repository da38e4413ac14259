"""The tiny models and small adapters of the host's tests, and model folders of a test's own."""

# pyright: reportUnusedImport=false

from likeness.tests.host.conftest import cross_sites, tiny_model  # noqa: F401
from likeness.tests.host.ip_adapter.conftest import ip_adapter, ip_adapter_weights  # noqa: F401
from likeness.tests.host.model_folders import folders, put  # noqa: F401
