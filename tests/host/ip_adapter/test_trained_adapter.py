"""What IP-Adapter FaceID was trained to in diffusers' UNet, ComfyUI draws: exported, and read by the loader node."""

from __future__ import annotations

import dataclasses

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.models.ip_adapter.encoders import IPAdapterEncoders
from likeness.models.port.attention import Polarity
from likeness.tests.host.conftest import FACE
from likeness.tests.host.test_hosts_agree import TIMESTEP, WHOLE, call_comfyui, inputs, twin
from likeness.tests.models.consistentid.small_encoders import SmallRecogniser
from likeness.tests.people import crowd
from likeness.tests.training.ip_adapter.small_faceid import NO_DROPS, small_batch
from likeness.tests.training.overfitting import overfit
from likeness.tests.training.small_world import small_base
from likeness.training.export import export
from likeness.training.ip_adapter.method import FaceID
from likeness.training.ip_adapter.networks import new_networks
from torch.nn.functional import normalize

pytestmark = pytest.mark.comfy

NAME = "mine.safetensors"
PAIR = (Polarity.NEGATIVE, Polarity.POSITIVE)


def batch_of(people, recogniser):
    """A picture of one person."""
    [[photo, face]] = people.people[0].shown
    vector = recogniser.vectors([face], [photo.picture])
    return dataclasses.replace(small_batch(rows=1), vectors=normalize(vector, dim=-1))


def trained(model, batch, folder):
    """Two steps with this picture, exported."""
    base = dataclasses.replace(small_base(), unet=twin(model, "sd15"))
    method = FaceID(base, new_networks(base.unet, vector=FACE, rank=2, seed=0), seed=0, dropping=NO_DROPS)
    overfit(method, batch, steps=2)
    export(method.weights(), folder / NAME, details={}, dtype=torch.float32)
    return method


@torch.no_grad()
def as_trained(method, batch, x, text):
    """What the method's own UNet says: nobody for the first row, the person for the second."""
    rows = []
    for row, negative in enumerate((True, False)):
        method.show(batch, nobody=torch.tensor([negative]))
        rows.append(method.base.unet(x[row, None], torch.tensor(TIMESTEP), text[row, None]).sample)
    return torch.cat(rows)


def test_an_exported_faceid_draws_in_comfyui_what_training_drew(tiny_model, tmp_path, monkeypatch):
    import folder_paths
    from likeness.host.ip_adapter.adapter import choose_ip_adapter
    from likeness.host.ip_adapter.application import apply

    known = ([str(tmp_path)], folder_paths.supported_pt_extensions)
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "ipadapter", known)
    model, people, recogniser = tiny_model(), crowd(1), SmallRecogniser(FACE)
    x, text = inputs(2, (16, 16))
    batch = batch_of(people, recogniser)
    expected = as_trained(trained(model, batch, tmp_path), batch, x, text)

    loaded = choose_ip_adapter(ip_adapter=NAME)
    assert loaded.adapter.notes == ("Taken as FaceID, by its keys.",)
    loaded = dataclasses.replace(loaded, encoders=IPAdapterEncoders(recogniser=recogniser))
    with_lora, without = (
        call_comfyui(apply(model, loaded, people, lora_strength=strength).model, x, text, PAIR)
        for strength in (1.0, 0.0)
    )
    torch.testing.assert_close(with_lora, expected, atol=WHOLE, rtol=0)
    assert not torch.allclose(without, expected, atol=10 * WHOLE)
    assert not torch.allclose(call_comfyui(model, x, text, PAIR), without, atol=100 * WHOLE)
