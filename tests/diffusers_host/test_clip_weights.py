"""CLIP's weights go into transformers' modules, whichever keys the installed version has."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("transformers")

from likeness.diffusers_host.clip_weights import fill_clip
from likeness.models.errors import UnknownCheckpointError
from torch import nn


class Embeddings(nn.Module):
    """A weight, and a table of positions that no file holds."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 3)
        self.register_buffer("position_ids", torch.empty(1, 5, dtype=torch.int64), persistent=False)


class Older(nn.Module):
    """The same below a name of its own, as older versions have it."""

    def __init__(self):
        super().__init__()
        self.text_model = Embeddings()


def weights():
    return {"inner.weight": torch.randn(3, 2, generator=torch.Generator().manual_seed(0)), "inner.bias": torch.ones(3)}


@pytest.mark.parametrize("kind", [Embeddings, Older])
def test_both_layouts_are_filled_and_positions_made_anew(kind):
    with torch.device("meta"):
        module = kind()
    filled = fill_clip(module, weights(), "text_model.", "small", torch.float64)
    inner = filled if kind is Embeddings else filled.text_model
    assert torch.equal(inner.inner.weight, weights()["inner.weight"].double())
    assert inner.position_ids.tolist() == [[0, 1, 2, 3, 4]]
    assert "position_ids" not in filled.state_dict()


@pytest.mark.parametrize(
    "change", [{"inner.bias": torch.ones(4)}, {"outer": torch.ones(1)}], ids=["another shape", "one too many"]
)
def test_what_does_not_fit_is_refused(change):
    with torch.device("meta"):
        module = Embeddings()
    with pytest.raises(UnknownCheckpointError, match="small"):
        fill_clip(module, weights() | change, "text_model.", "small", torch.float32)
