"""Small IP-Adapters for the image prompt."""

# pyright: reportUnusedImport=false

from likeness.tests.host.ip_adapter.conftest import ip_adapter_weights  # noqa: F401
