"""IP-Adapter's networks under ComfyUI's memory management, and the files that a loader means."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError, InvalidSettingError, MissingModelFileError
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.encode import Looking, encode_people, picture_tokens
from likeness.tests.host.ip_adapter.conftest import SEEN

pytestmark = pytest.mark.comfy

VISION = {"intermediate_size": 16, "num_attention_heads": 1, "num_hidden_layers": 2, "patch_size": 56}


@pytest.fixture
def choose(folders, put, tmp_path, ip_adapter_weights):
    """Files by name from their network, and the loader's function."""
    from likeness.host.ip_adapter.adapter import choose_ip_adapter

    def run(files, **given):
        for name, network in files.items():
            torch.save(ip_adapter_weights(network), tmp_path / name)
            put(tmp_path / name, f"ipadapter/{name}")
        return choose_ip_adapter(**given)

    return run


def test_people_and_pictures_are_encoded_by_the_adapter_s_own_module(ip_adapter, chain):
    faces, pictures = ip_adapter("faceid plus"), ip_adapter("plus")
    with torch.no_grad():
        expected = encode_people(chain(2), faces.encoders, faces.adapter, Looking())
        shown = picture_tokens([chain(1)[0].photos[0].picture], pictures.encoders, pictures.adapter, Looking())
    assert torch.equal(faces.encode_people(chain(2), Looking()).tokens, expected.tokens)
    tokens, null = pictures.encode_pictures([chain(1)[0].photos[0].picture], Looking(), "concat")
    assert torch.equal(tokens, shown)
    assert null.shape == tokens.shape
    assert not tokens.requires_grad


def test_projection_and_attention_are_managed_apart(ip_adapter):
    loaded = ip_adapter("faceid")
    assert loaded.encoder.model is loaded.adapter.projection
    assert loaded.attention.model is loaded.adapter.attention
    assert not any(parameter.requires_grad for parameter in loaded.attention.model.parameters())


@pytest.mark.parametrize(
    ("network", "has_tokens", "has_embedding"),
    [("plain", False, True), ("plus", True, False), ("faceid", False, False)],
)
def test_the_image_encoder_gives_what_the_adapter_reads(
    network, has_tokens, has_embedding, ip_adapter_weights, vision_model
):
    from likeness.host.ip_adapter.adapter import new_ip_adapter

    vision = vision_model(hidden_size=SEEN, projection_dim=SEEN, **VISION)
    encoders = new_ip_adapter(load(ip_adapter_weights(network), dim_head=8), clip_vision=vision).encoders
    assert (encoders.clip is not None, encoders.embedder is not None) == (has_tokens, has_embedding)


@pytest.mark.parametrize(("network", "said"), [("plain", "embeddings 8 wide"), ("plus", "8 wide")])
def test_another_image_encoder_is_refused(network, said, ip_adapter_weights, vision_model):
    from likeness.host.ip_adapter.adapter import new_ip_adapter

    vision = vision_model(hidden_size=8, projection_dim=8, **VISION)
    with pytest.raises(IncompatibleBaseModelError, match=said):
        new_ip_adapter(load(ip_adapter_weights(network), dim_head=8), clip_vision=vision)


def test_auto_takes_the_first_by_name_that_is_one(choose):
    files = {"c plain.bin": "plain", "b full.bin": "full face", "d faceid.bin": "faceid"}
    assert choose(files).adapter.recognised.version == "Full Face"
    assert choose(files, ip_adapter="d faceid.bin").adapter.recognised.version == "FaceID"


def test_the_name_is_a_hint_that_may_be_overruled(choose):
    files = {"my-faceid-plusv2.bin": "faceid plus"}
    assert choose(files).adapter.is_v2
    assert not choose(files, version="FaceID Plus").adapter.is_v2
    with pytest.raises(InvalidSettingError, match='is no "Plus Face"'):
        choose(files, version="Plus Face")


def test_what_is_not_there_is_named(choose, folders):
    with pytest.raises(MissingModelFileError, match=rf"{folders / 'ipadapter'}.*reload the page"):
        choose({})
    loaded = choose({"faceid.bin": "faceid"})
    with pytest.raises(MissingModelFileError, match="lora"):
        choose({}, lora="gone.safetensors")
    assert loaded.encoders.recogniser is None


def test_a_missing_recogniser_is_said_when_a_face_is_looked_at(choose, chain):
    with pytest.raises(MissingModelFileError, match=r"w600k_r50\.onnx"):
        choose({"faceid.bin": "faceid"}).encode_people(chain(1), Looking())
