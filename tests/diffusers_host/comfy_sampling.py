"""ComfyUI's own noise levels for the miniature, to compare with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture(scope="module")
def sampling():
    from comfy.model_base import ModelType, model_sampling

    return model_sampling(SimpleNamespace(sampling_settings={"zsnr": True}), ModelType.V_PREDICTION)
