"""The random LoRA and hypernetwork fit the miniature's layers."""

from __future__ import annotations

import torch
from likeness.models.miniature.files import BASE
from likeness.tools.peers.core.weights import HYPERNETWORK, LORA, WIDTHS, make_files
from safetensors.torch import load_file


def test_both_files_lie_where_comfyui_looks_for_them(tmp_path):
    files = make_files(tmp_path)
    assert list(files) == [f"loras/{LORA}", f"hypernetworks/{HYPERNETWORK}"]
    assert all(path.is_file() and path.parent == tmp_path for path in files.values())


def test_the_lora_fits_layers_of_both_networks(tmp_path):
    lora = load_file(make_files(tmp_path)[f"loras/{LORA}"])
    base = load_file(BASE)
    layers = {name.removesuffix(".lora_up.weight") for name in lora if name.endswith("up.weight")}
    assert len(lora) == 2 * len(layers)
    assert {layer.split(".")[0] for layer in layers} == {"diffusion_model", "text_encoders"}
    for layer in layers:
        name = layer.replace("text_encoders.clip_l", "cond_stage_model")
        weight = base[f"{name if name != layer else f'model.{layer}'}.weight"].float()
        change = lora[f"{layer}.lora_up.weight"] @ lora[f"{layer}.lora_down.weight"]
        assert change.shape == weight.shape
        assert 0.2 < float(change.std() / weight.std()) < 1


def test_the_hypernetwork_has_two_layers_for_every_width(tmp_path):
    loaded = torch.load(make_files(tmp_path)[f"hypernetworks/{HYPERNETWORK}"], weights_only=True)
    assert loaded.pop("activation_func") == "linear"
    assert tuple(loaded) == WIDTHS
    for width, layers in loaded.items():
        assert [tuple(layer["linear.0.weight"].shape) for layer in layers] == [(width, width)] * 2
        assert not torch.equal(*(layer["linear.0.weight"] for layer in layers))


def test_the_files_are_the_same_every_time(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = (make_files(tmp_path / name)[f"loras/{LORA}"].read_bytes() for name in ("a", "b"))
    assert first == second
