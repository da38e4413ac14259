"""The tiny models of the host's tests."""

# pyright: reportUnusedImport=false

from likeness.tests.host.conftest import adapter, cross_sites, tiny_model, uniportrait_files  # noqa: F401
