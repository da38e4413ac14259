"""IP-Adapter against stored outputs of its published code, each case within its own tolerance."""

import pytest
import torch
from likeness.models.ip_adapter.application import PictureResidual
from likeness.tests.parity.folder import Folder, folder_of
from likeness.tests.parity.ip_adapter import cases, mask_cases
from likeness.tests.parity.recipe import report


@pytest.mark.parametrize("run", cases.CASES + mask_cases.CASES)
@torch.no_grad()
def test_case(run):
    comparisons = list(run(folder_of("ipadapter", cases.HERE)))

    assert comparisons or run is cases.full_size_projections
    assert report(comparisons) == []


@torch.no_grad()
def test_a_mistake_is_noticed(monkeypatch):
    """A strength that is not heeded does not pass."""
    monkeypatch.setattr(cases, "PictureResidual", lambda *args: PictureResidual(*args[:-1], 1.0))
    failed = {line.split(":")[0] for line in report(cases.layers(Folder(cases.HERE)))}
    assert {"attn_ip_small scale_0", "attn_ip_small scale_0.6"} <= failed
    assert "attn_ip_small scale_1" not in failed


@torch.no_grad()
def test_mistakes_in_projections_layers_and_masks_are_noticed(monkeypatch):
    """The factor on FaceID Plus' resampler, half of a LoRA and a scaling that are not heeded do not pass."""

    def failed(run):
        return {line.split(":")[0] for line in report(run(Folder(cases.HERE)))}

    forward = cases.IDProjection.forward
    monkeypatch.setattr(
        cases.IDProjection,
        "forward",
        lambda self, *given, shortcut, s_scale=1.0: forward(self, *given, shortcut=shortcut),
    )
    assert failed(cases.projections) == {f"faceid_plus_small v2_{scale}" for scale in ("0", "0.5", "2")}
    merged = cases.merged
    monkeypatch.setattr(cases, "merged", lambda w, lora, strength: merged(w, {"q": lora["q"]}, strength))
    assert failed(cases.layers_with_lora) == {
        *(f"attn_lora_ip_small scale_{name}" for name in ("1_lora_1", "0.6_lora_0.5", "0_lora_1")),
        *(f"attn_lora_self_small lora_{strength}" for strength in ("1", "0.6")),
    }
    monkeypatch.setattr(mask_cases, "scale", lambda keys, values, strength, how: (keys, strength * values))
    assert failed(mask_cases.ipadapter_plus) == {
        f"attn_masks_ipadapter_plus scaling {how}" for how in ("K+V", "K+V w/ C penalty", "K+mean(V) w/ C penalty")
    }
