"""What was trained in diffusers' UNet draws the same again: exported, read by the loader node, in either host's UNet."""

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.attention import RunContext, attach, guidance_pair
from likeness.models.adapters.identity_attention import people_residual
from likeness.models.port.attention import Polarity, Run
from likeness.models.uniportrait.application import lora_for, placement_of
from likeness.models.uniportrait.encode import encode_people, nobody_features, person_features
from likeness.models.uniportrait.id_embedding import IDEmbedding
from likeness.tests.host.conftest import CLIP_WIDTH, INTRINSIC, SHALLOW
from likeness.tests.host.test_hosts_agree import TIMESTEP, WHOLE, call_comfyui, inputs, twin
from likeness.tests.people import crowd
from likeness.tests.training.overfitting import overfit
from likeness.tests.training.small_world import NO_DROPS, SIZES, small_base, small_batch, small_networks
from likeness.training.export import export
from likeness.training.uniportrait.networks import new_routers
from likeness.training.uniportrait.stage1 import StageOne
from likeness.training.uniportrait.stage2 import Routing, StageTwo

pytestmark = pytest.mark.comfy

FACEID, ROUTER, BACKBONE = "mine.safetensors", "mine-router.safetensors", "backbone.bin"
HEAD = 16  # what the loader takes for an ID embedding as narrow as this one
PAIR = (Polarity.NEGATIVE, Polarity.POSITIVE)


@pytest.fixture
def folder(tmp_path, uniportrait_files, monkeypatch):
    """ComfyUI's model folder for UniPortrait, with nothing but a face backbone in it."""
    import folder_paths

    (tmp_path / BACKBONE).symlink_to(uniportrait_files / BACKBONE)
    known = ([str(tmp_path)], folder_paths.supported_pt_extensions)
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "uniportrait", known)
    return tmp_path


def base_with_the_weights_of(model):
    return replace(small_base(), unet=twin(model, "sd15"))


def batch_of(people, encoders):
    """A picture of the people of a chain."""
    features = [person_features(person, encoders) for person in people]
    return replace(
        small_batch(rows=1, people=len(features)),
        intrinsic=torch.stack([one.intrinsic for one in features], dim=1),
        structure=torch.stack([one.structure for one in features], dim=1),
    )


def train_stage_one(model, people, encoders, folder):
    """Two steps with the first person, exported."""
    nobody = nobody_features(encoders, like=person_features(people[0], encoders))
    base = base_with_the_weights_of(model)
    networks = small_networks(base)
    sizes = replace(SIZES, dim_head=HEAD, intrinsic=INTRINSIC, structure=SHALLOW + CLIP_WIDTH)
    networks.id_embedding = IDEmbedding(sizes)
    torch.nn.init.normal_(networks.id_embedding.latents)
    method = StageOne(base, networks, nobody, dropping=NO_DROPS, seed=0)
    overfit(method, batch_of(people.people[:1], encoders), steps=2)
    export(method.weights(), folder / FACEID, details={}, dtype=torch.float32)
    return method


def train_stage_two(model, people, encoders, folder):
    """Two steps with everybody after stage I, exported beside it."""
    first = train_stage_one(model, people, encoders, folder)
    networks = first.networks
    networks.routers = new_routers(networks, seed=0)
    base = base_with_the_weights_of(model)
    method = StageTwo(base, networks, first.null, routing=Routing(drop_face=0), seed=0)
    overfit(method, batch_of(people, encoders), steps=2)
    export(method.weights(), folder / ROUTER, details={}, dtype=torch.float32)
    return method


@torch.no_grad()
def as_trained(method, people, encoders, x, text):
    """What the method's own UNet says: nobody for the first row, everybody for the second."""
    rows = []
    for row, negative in enumerate((True, False)):
        method.show(batch_of(people, encoders), nobody=torch.tensor([negative]))
        rows.append(method.base.unet(x[row, None], torch.tensor(TIMESTEP), text[row, None]).sample)
    return torch.cat(rows)


@torch.no_grad()
def in_diffusers(unet, adapter, people, encoders, x, text):
    encoded = encode_people(people.people, encoders, adapter.id_embedding, 1.0)
    placement = placement_of(adapter, people.people, encoded.tokens)
    residual = people_residual(adapter.face_attention, people.people, encoded, placement, strength=1.0)
    attach(unet, residual, lora=lora_for(adapter, len(people)), context=RunContext(guidance_pair, run=Run()))
    return unet(x, torch.tensor(TIMESTEP), text).sample


@pytest.mark.parametrize(("train", "count"), [(train_stage_one, 1), (train_stage_two, 2)])
def test_an_exported_adapter_draws_in_both_hosts_what_training_drew(tiny_model, adapter, folder, train, count):
    from likeness.host.files import NONE
    from likeness.host.uniportrait.application import apply
    from likeness.nodes.uniportrait.load import LoadUniPortrait

    model, people = tiny_model(), crowd(count)
    x, text = inputs(2, (16, 16))
    expected = as_trained(train(model, people, adapter.encoders, folder), people, adapter.encoders, x, text)

    choices = {one.id: one.options for one in LoadUniPortrait.define_schema().inputs if one.id in ("faceid", "router")}
    router = ROUTER if count > 1 else NONE
    assert FACEID in choices["faceid"]
    assert router in choices["router"]
    settings = {"faceid": FACEID, "router": router, "backbone": BACKBONE, "image_prompt": NONE}
    [loaded] = LoadUniPortrait.execute(**settings, clip_vision_file="auto").result
    loaded = replace(loaded, clip=adapter.clip)
    with_lora, without = (
        call_comfyui(
            apply(model, loaded, people, strength=1.0, structure_scale=1.0, lora_strength=strength).model, x, text, PAIR
        )
        for strength in (1.0, 0.0)
    )

    torch.testing.assert_close(with_lora, expected, atol=WHOLE, rtol=0)
    again = in_diffusers(twin(model, "sd15"), loaded.adapter, people, loaded.encoders, x, text)
    torch.testing.assert_close(again, expected, atol=WHOLE, rtol=0)
    assert not torch.allclose(without, expected, atol=100 * WHOLE)
    assert not torch.allclose(call_comfyui(model, x, text, PAIR), without, atol=100 * WHOLE)
