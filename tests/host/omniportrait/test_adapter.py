"""OmniPortrait's networks under ComfyUI's memory management."""

import pytest
import torch
from likeness.models.errors import UnknownCheckpointError
from likeness.models.omniportrait.checkpoint import BaseFile
from likeness.models.omniportrait.references import Person, References
from likeness.tests.models.omniportrait.small_adapter import small_encoder, small_pivot, write_adapter
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy


@pytest.fixture
def crowd():
    """Nine crops of one person, one of another: more than the encoder sees at once."""
    crops = torch.rand(10, 3, 224, 224, generator=torch.Generator().manual_seed(5))
    return References((Person(name="one", crops=crops[:9]), Person(name="two", crops=crops[9:])))


def test_a_loaded_file_gives_one_embedding_per_person(tmp_path, crowd):
    from likeness.host.omniportrait.adapter import embed, load_omniportrait

    loaded = load_omniportrait(write_adapter(tmp_path / "a.safetensors", pivot=small_pivot(24)))
    assert loaded.adapter.context_dim == 24
    wanted = torch.stack([small_encoder()(person.crops).mean(0) for person in crowd.people])
    with torch.inference_mode():
        torch.testing.assert_close(embed(loaded, crowd), wanted, atol=1e-5, rtol=1e-5)


def test_both_networks_are_one_model_to_comfyui(tmp_path):
    from likeness.host.omniportrait.adapter import load_omniportrait

    loaded = load_omniportrait(write_adapter(tmp_path / "a.safetensors"))
    parts = (loaded.adapter.pivot, loaded.adapter.image_encoder)
    assert {*loaded.networks.model.parameters()} == {tensor for part in parts for tensor in part.parameters()}
    size = sum(tensor.nbytes for part in parts for tensor in part.state_dict().values())
    assert loaded.networks.model_size() == size


def test_the_base_is_handed_on(tmp_path, crowd):
    from likeness.host.omniportrait.adapter import embed, load_omniportrait

    save_file(small_encoder().state_dict(), tmp_path / "base.safetensors")
    base = BaseFile.at(tmp_path / "base.safetensors")
    path = write_adapter(tmp_path / "a.safetensors", changed=["proj"], base=base)
    with pytest.raises(UnknownCheckpointError, match=r"choose that file as base"):
        load_omniportrait(path)
    wanted = torch.stack([small_encoder()(person.crops).mean(0) for person in crowd.people])
    found = embed(load_omniportrait(path, tmp_path / "base.safetensors"), crowd)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
