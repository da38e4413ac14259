"""OmniPortrait's networks under ComfyUI's memory management."""

import pytest
import torch
from likeness.models.errors import UnknownCheckpointError
from likeness.models.omniportrait.checkpoint import BaseFile
from likeness.models.omniportrait.encode import encode
from likeness.tests.models.omniportrait.small_adapter import (
    CONFIG,
    changed_config,
    small_encoder,
    small_pivot,
    write_adapter,
)
from likeness.tests.models.omniportrait.small_people import noise, person, photo
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy


class Directly:
    """The encoder without ComfyUI."""

    key, width = "", 6

    def tokens(self, pixels):
        return small_encoder().visual(pixels)[:, None]


@pytest.fixture
def crowd():
    """Nine photos of one person, one of another."""
    return [person("one", *(photo(noise(seed)) for seed in range(9))), person("two", photo(noise(9)))]


def test_a_loaded_file_gives_one_embedding_per_person(tmp_path, crowd):
    from likeness.host.omniportrait.adapter import load_omniportrait

    loaded = load_omniportrait(write_adapter(tmp_path / "a.safetensors", pivot=small_pivot(24)))
    assert loaded.adapter.context_dim == 24
    wanted = torch.cat([encode(each, Directly(), CONFIG) for each in crowd])
    with torch.inference_mode():
        torch.testing.assert_close(loaded.encode(crowd), wanted, atol=1e-5, rtol=1e-5)


def test_both_networks_are_one_model_to_comfyui(tmp_path):
    from likeness.host.omniportrait.adapter import load_omniportrait

    loaded = load_omniportrait(write_adapter(tmp_path / "a.safetensors"))
    parts = (loaded.adapter.pivot, loaded.adapter.image_encoder)
    assert {*loaded.networks.model.parameters()} == {tensor for part in parts for tensor in part.parameters()}
    size = sum(tensor.nbytes for part in parts for tensor in part.state_dict().values())
    assert loaded.networks.model_size() == size


def test_the_base_is_handed_on(tmp_path, crowd):
    from likeness.host.omniportrait.adapter import load_omniportrait

    save_file(small_encoder().state_dict(), tmp_path / "base.safetensors")
    base = BaseFile.at(tmp_path / "base.safetensors")
    path = write_adapter(tmp_path / "a.safetensors", changed=["proj"], base=base)
    with pytest.raises(UnknownCheckpointError, match=r"choose that file as base"):
        load_omniportrait(path)
    wanted = encode(crowd[1], Directly(), CONFIG)
    found = load_omniportrait(path, tmp_path / "base.safetensors").encode(crowd[1:])
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_no_face_is_encoded_twice_even_after_the_file_was_loaded_again(tmp_path, monkeypatch):
    from likeness.host.omniportrait.adapter import ManagedPivotEncoder, load_omniportrait

    seen, tokens = [], ManagedPivotEncoder.tokens
    monkeypatch.setattr(ManagedPivotEncoder, "tokens", lambda self, pixels: seen.append(1) or tokens(self, pixels))
    path = write_adapter(tmp_path / "a.safetensors", encoder=small_encoder(seed=7))
    first = load_omniportrait(path).encode([person("Ann", photo(noise(50)))])
    again = load_omniportrait(path).encode([person("Ben", photo(noise(50)), strength=2.0)])
    assert torch.equal(again, first)
    assert len(seen) == 1


def test_keys_differ_by_weights_and_by_what_no_weight_tells(tmp_path):
    from likeness.host.omniportrait.adapter import load_omniportrait

    def key(name, encoder):
        return load_omniportrait(write_adapter(tmp_path / f"{name}.safetensors", encoder=encoder)).encoder.key

    plain = key("a", small_encoder())
    assert key("same", small_encoder()) == plain
    assert key("trained", small_encoder(seed=3)) != plain
    assert key("activation", small_encoder(changed_config(activation="gelu"))) != plain
