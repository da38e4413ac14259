"""What all benchmarks in ComfyUI share: where it is, what is counted, and networks without values."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from likeness.benchmarks import comfy_process
from likeness.benchmarks.comfy_process import comfyui, flops, parser
from likeness.models.uniportrait.encode import UniPortraitEncoders, person_features
from likeness.tests.people import crowd

SIDE = 64


def test_the_folder_comes_from_the_command_line_or_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("LIKENESS_COMFYUI", str(tmp_path / "from-environment"))
    assert parser("text").parse_args([]).comfyui == tmp_path / "from-environment"
    assert parser("text").parse_args(["--comfyui", str(tmp_path / "named")]).comfyui == tmp_path / "named"
    monkeypatch.delenv("LIKENESS_COMFYUI")
    assert parser("text").parse_args([]).comfyui is None


def test_without_comfyui_the_benchmark_ends_with_what_to_set(monkeypatch):
    monkeypatch.setattr(comfy_process, "find_comfy_folders", list)
    with pytest.raises(SystemExit, match="set COMFYUI_PATH or give --comfyui"), comfyui(None):
        pass


def test_the_second_call_is_counted_and_not_the_first():
    left, right = torch.zeros(3, 5), torch.zeros(5, 7)
    calls = []

    def call():
        calls.append(None)
        if len(calls) == 1:  # what a run does once
            torch.matmul(torch.zeros(100, 100), torch.zeros(100, 100))
        return left @ right

    assert flops(call) == 2 * 3 * 5 * 7
    assert len(calls) == 2


@dataclass(frozen=True)
class Loaded:
    """Stands for UniPortrait as loaded: what looks at people's faces."""

    clip: object = None
    backbone: object = None


def test_random_features_have_the_published_sizes_and_are_encoded_once():
    loaded = comfy_process.with_random_features(Loaded())
    encoders = UniPortraitEncoders(clip=loaded.clip, backbone=loaded.backbone)
    first, second = crowd(2)
    features = person_features(first, encoders)
    assert features.intrinsic.shape == (1, 49, 512)
    assert features.structure.shape == (1, 256, 1728)
    assert not torch.equal(person_features(second, encoders).structure, features.structure)
    asked = len(loaded.clip.encoder.seen)
    assert torch.equal(person_features(first, encoders).structure, features.structure)
    assert len(loaded.clip.encoder.seen) == asked


@pytest.fixture(scope="module")
def model():
    from likeness.benchmarks.comfy_process import meta_model
    from likeness.tools.weights.layouts import NARROW_SDXL

    return meta_model(NARROW_SDXL)


@pytest.mark.comfy
def test_the_unet_has_shapes_and_no_values(model):
    parameters = list(model.model.diffusion_model.parameters())
    assert type(model.model).__name__ == "SDXL"
    assert {parameter.device.type for parameter in parameters} == {"meta"}
    assert sum(parameter.numel() for parameter in parameters) == 282_911_684


@pytest.mark.comfy
def test_a_call_is_a_guidance_pair_of_the_size_asked_for(model):
    out = comfy_process.unet_call(model, SIDE)()
    assert out.shape == (2, 4, SIDE // 8, SIDE // 8)
    assert out.is_meta
