"""FaceStudio's file: read strictly, told from others, and written as it was read."""

import pytest
import torch
from likeness.models.errors import CorruptModelFileError, UnknownCheckpointError
from likeness.models.facestudio.checkpoint import load, weights_of
from likeness.models.facestudio.description import Description
from likeness.tests.models.facestudio.small_adapter import CHANNELS, DESCRIPTION, small_weights
from safetensors.torch import save_file


def read(weights, description=DESCRIPTION):
    return load(weights, description=description)


@pytest.mark.parametrize("options", [{}, {"pooled": 16}, {"whole": True}])
def test_what_was_written_is_read(tmp_path, options):
    weights = small_weights(**options)
    path = tmp_path / "any name.safetensors"
    save_file(weights, path, metadata=DESCRIPTION.metadata())
    adapter = load(path)
    assert adapter.description == DESCRIPTION
    assert adapter.context_dim == 8
    assert str(adapter.space) == "small (6)"
    assert (adapter.pooled is not None) == ("pooled" in options)
    assert adapter.widths == ({} if options.get("whole") else {1: CHANNELS, 3: CHANNELS})
    held = {f"{part}.{key}": tensor for part, each in weights_of(adapter).items() for key, tensor in each.items()}
    assert held.keys() == weights.keys()
    assert all(torch.equal(held[key], tensor) for key, tensor in weights.items())


def test_the_pooled_vector_begins_at_that_of_the_empty_prompt():
    weights = small_weights(pooled=16)
    weights["pooled.weight"].zero_()
    weights["pooled.bias"].zero_()
    pooled = read(weights).pooled
    assert pooled is not None
    assert torch.equal(pooled(torch.randn(2, 3, 8)), weights["pooled.empty"].expand(2, -1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("attention.3.to_v.weight"), "attention layer 3.*missing"),
        (lambda w: w.update({"attention.3.to_v.weight": torch.zeros(9, 8)}), "attention layer 3.*another shape"),
        (lambda w: w.update({"attention.odd.to_k.weight": torch.zeros(1)}), "unexpected.*attention.odd"),
        (lambda w: w.pop("lora.1.to_q_lora.up.weight"), "missing.*lora.1.to_q_lora.up"),
        (lambda w: w.update({"lora.1.to_z_lora.up.weight": torch.zeros(1)}), "unexpected.*to_z_lora"),
        (lambda w: w.update({"pooled.bias": torch.zeros(4)}), "pooled layer.*missing"),
        (lambda w: w.update({"other.weight": torch.zeros(4)}), "unexpected.*other.weight"),
        (lambda w: w.update({"unet.conv_in.weight": torch.zeros(4)}), "holds both"),
        (lambda w: w.update({"layer.bias": torch.zeros(5, 8)}), r"\(n·D, E \+ 5\)"),
    ],
)
def test_faults_are_named(change, said):
    weights = small_weights()
    change(weights)
    with pytest.raises(UnknownCheckpointError, match=said):
        read(weights)


def test_foreign_and_broken_files_are_told(tmp_path):
    with pytest.raises(UnknownCheckpointError, match="looks like a plain IP-Adapter file, which belongs"):
        read({"image_proj.proj.weight": torch.zeros(4, 4), "ip_adapter.1.to_k_ip.weight": torch.zeros(4, 4)})
    path = tmp_path / "cut.safetensors"
    save_file(small_weights(), path, metadata=DESCRIPTION.metadata())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptModelFileError, match="truncated"):
        load(path)


def test_a_file_that_does_not_say_its_encoders_is_refused(tmp_path):
    path = tmp_path / "silent.safetensors"
    save_file(small_weights(), path)
    with pytest.raises(UnknownCheckpointError, match="which CLIP models it was trained with"):
        load(path)


@pytest.mark.parametrize(("encoder", "width"), [("vitl", 768), ("paper3", 1792)])
def test_the_layer_reads_what_the_encoder_gives(encoder, width):
    description = Description(encoder=encoder)
    adapter = read(small_weights(style=width, face=512), description)
    assert adapter.space.width == width
    with pytest.raises(UnknownCheckpointError, match=f'its encoder "{encoder}" gives {width}'):
        read(small_weights(style=width + 1, face=512), description)
