"""The weights that ship, in ComfyUI and on diffusers: two drawn people, the same latents, and who was put where."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.noise_levels import cpu_noise
from likeness.miniature.studio.drawing import Settings
from likeness.miniature.studio.studio import Shot, Studio
from likeness.models.images.layout import images_from_arrays
from likeness.models.people.person import People
from likeness.tools.demo.scene import drawn_people
from likeness.tools.workflows.miniature import SAMPLING, STRENGTH, STRUCTURE, TWO

pytestmark = [pytest.mark.comfy, pytest.mark.slow]

ALIKE = 1e-3  # of latents of spread 1
SHAPE = (1, 16, 16, 16)


def applied(method, loaded, chain):
    """The MODEL with people that UniPortrait's router places."""
    from likeness.host.ip_adapter.application import apply as apply_ip_adapter
    from likeness.host.placement import LoadedPlacement
    from likeness.host.uniportrait.adapter import UniPortraitRouter
    from likeness.host.uniportrait.application import apply

    if method == "UniPortrait":
        return apply(loaded.model, loaded.uniportrait, chain, strength=STRENGTH, structure_scale=STRUCTURE).model
    where = LoadedPlacement("router", UniPortraitRouter(loaded.uniportrait, STRUCTURE))
    return apply_ip_adapter(loaded.model, loaded.ip_adapter, chain, where=where, strength=STRENGTH).model


def in_comfyui(references, method, monkeypatch):
    """Latents as the UNet takes them, and the routing map."""
    from likeness.host.miniature import load_miniature
    from likeness.host.people import FaceChoice, make_person
    from likeness.host.sampling import runs

    import nodes

    monkeypatch.setattr(runs, "is_queued", lambda node: node == runs.ROUTING_MAP_NODE)
    loaded, chain = load_miniature(), People()
    for reference in references:
        choice = FaceChoice(given=loaded.face_detector)
        person, _ = make_person(images_from_arrays([reference]), choice)
        chain = chain.add(person)
    model = applied(method, loaded, chain)
    texts = [loaded.clip.encode_from_tokens_scheduled(loaded.clip.tokenize(text)) for text in (TWO, "")]
    chosen = [SAMPLING[name] for name in ("seed", "steps", "cfg", "sampler_name", "scheduler")]
    [latent] = nodes.KSampler().sample(model, *chosen, *texts, {"samples": torch.zeros(SHAPE)})
    maps = runs.find_placement_maps(model, latent["samples"])
    return latent["samples"] * model.model.latent_format.scale_factor, maps.maps


@pytest.mark.parametrize("method", ["UniPortrait", "IP-Adapter"])
def test_two_people_are_the_same_on_both_hosts(method, monkeypatch, record_property):
    references, _ = drawn_people()
    shot = Shot(
        prompt=TWO,
        noise=cpu_noise(SAMPLING["seed"], SHAPE),
        references=tuple(np.asarray(reference) for reference in references),
        strength=STRENGTH,
        structure_scale=STRUCTURE,
        method=method,
    )
    ours, our_maps = Studio.load().draw(shot, Settings(steps=SAMPLING["steps"], guidance=SAMPLING["cfg"]))
    theirs, their_maps = in_comfyui(references, method, monkeypatch)
    differing = int((our_maps.maps.argmax(1) != their_maps.argmax(1)).sum())
    distance = float((ours - theirs).abs().max())
    record_property("largest difference of latents", distance)
    record_property("routed positions that differ", differing)
    assert distance <= ALIKE
    assert differing <= 2  # of 256; a tie may fall either way
