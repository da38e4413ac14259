"""Trained FaceStudio gives the same numbers in ComfyUI's UNet and in diffusers'."""

from dataclasses import replace

import pytest
import torch
from likeness.models.facestudio.application import RegionalContexts
from likeness.models.facestudio.encode import contexts, face_vectors
from likeness.models.facestudio.places import MaskedRegions
from likeness.models.people.person import People
from likeness.models.port.attention import Polarity, Run
from likeness.tests.host.facestudio.conftest import FACE, STYLE, TOKENS
from likeness.tests.host.test_hosts_agree import TIMESTEP, WHOLE, call_comfyui, inputs, twin

pytestmark = pytest.mark.comfy

PAIR = (Polarity.NEGATIVE, Polarity.POSITIVE)


def masks():
    found = torch.zeros(2, 1, 16, 16)
    found[0, ..., :6] = 1
    found[1, ..., 10:] = 1
    return found


@pytest.mark.parametrize(("kind", "whole"), [("sd15", False), ("sdxl", False), ("sd15", True)])
def test_two_people_in_their_places(tiny_model, facestudio, style, chain, kind, whole):
    from likeness.diffusers_host.attention import RunContext, attach
    from likeness.diffusers_host.key_values import replace_key_values
    from likeness.host.facestudio.method import Asked

    model, loaded = tiny_model(kind), facestudio(kind, whole=whole)
    people = People(tuple(replace(each, mask=mask) for each, mask in zip(chain(2), masks(), strict=True)))
    applied = loaded.apply(model, Asked(people=people, style=style()))
    found = contexts(
        loaded.adapter,
        style().embedding,
        face_vectors(people.people, loaded.recogniser),
        strengths=(1, 1),
    )
    x, _ = inputs(2, (16, 16))
    text = torch.cat([found.null.repeat(1, 3, 1), found.joined()])
    ours = call_comfyui(applied.model, x, text, PAIR, found.owners())

    unet = twin(model, kind)
    if whole:
        unet.load_state_dict(loaded.adapter.unet)
    restore = replace_key_values(unet, loaded.adapter.attention)
    residual = RegionalContexts(
        tuple(_acting(person.name) for person in people), MaskedRegions(tuple(person.mask for person in people))
    )
    context = RunContext(lambda rows: PAIR, run=Run(), owners=found.owners())
    detach = attach(unet, residual, lora=loaded.adapter.lora or None, context=context)
    try:
        with torch.no_grad():
            theirs = unet(x, torch.tensor(TIMESTEP), text).sample
    finally:
        detach()
        restore()
    assert text.shape[1] == 3 * TOKENS
    assert loaded.adapter.layer.weight.shape[1] == STYLE + FACE
    torch.testing.assert_close(ours, theirs, atol=WHOLE, rtol=0)


def _acting(name):
    from likeness.models.adapters.identity_attention import Acting

    return Acting(name=name, strength=1.0)
