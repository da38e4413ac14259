"""Small models, written once."""

from __future__ import annotations

import pytest

pytest.importorskip("diffusers")


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    from likeness.tests.evaluation.hosts.diffusers.small_models import write_models

    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def sdxl_models(tmp_path_factory):
    from likeness.tests.evaluation.hosts.diffusers.small_models import write_models

    return write_models(tmp_path_factory.mktemp("sdxl"), "sdxl")
