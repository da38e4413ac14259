"""FaceStudio's pictures in the studio, by its own weights and by adapters."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.miniature.studio.facestudio import Guidance, draw_trained, draw_zero_shot
from likeness.miniature.studio.kept import Kept
from likeness.models.facestudio.places import MaskedRegions
from likeness.tests.miniature.ablations.facestudio.small_styled import FEW, STYLE_WIDTH
from likeness.tests.miniature.ablations.facestudio.small_styled import networks as networks
from likeness.tests.miniature.ablations.facestudio.small_styled import weights as weights
from likeness.tests.miniature.small_base import hooks_on
from likeness.tests.miniature.small_files import FACE_WIDTH
from torch import nn
from torch.nn.functional import normalize

BITS = {"atol": 1e-4, "rtol": 1e-4}


def drawn_numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


NOISE = drawn_numbers(2, 4, 16, 16)
EVERYWHERE = torch.ones(1, 16, 16)


def guidance(people=1, **others):
    faces = normalize(drawn_numbers(2, people, FACE_WIDTH, seed=1), dim=-1)
    return replace(Guidance(style=drawn_numbers(2, STYLE_WIDTH, seed=2), faces=faces), **others)


def test_every_picture_has_its_own_style_and_faces_and_the_unet_is_left_as_it_was(networks):
    before = {key: tensor.clone() for key, tensor in networks.base.unet.state_dict().items()}
    both = draw_trained(networks.base, networks.facestudio, guidance(), NOISE, FEW)
    asked = guidance()
    for row in range(2):
        part = slice(row, row + 1)
        alone = replace(asked, style=asked.style[part], faces=asked.faces[part])
        one = draw_trained(networks.base, networks.facestudio, alone, NOISE[part], FEW)
        torch.testing.assert_close(both[part], one, **BITS)
    assert hooks_on(networks.base.unet) == []
    assert all(torch.equal(tensor, before[key]) for key, tensor in networks.base.unet.state_dict().items())


def test_a_whole_unet_takes_the_place_of_the_others_for_the_time(networks):
    own = {key: tensor.clone() for key, tensor in networks.base.unet.state_dict().items()}
    plain = replace(networks.facestudio, attention=nn.ModuleDict(), lora={}, unet=own)
    other = replace(plain, unet={key: tensor * 0.9 for key, tensor in own.items()})
    bare = replace(plain, unet={})
    drawn = [draw_trained(networks.base, each, guidance(), NOISE, FEW) for each in (bare, plain, other)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0], drawn[2])
    assert all(torch.equal(tensor, own[key]) for key, tensor in networks.base.unet.state_dict().items())


def test_one_person_in_a_mask_of_everything_is_the_person_without_a_mask(networks):
    masked = guidance(placement=MaskedRegions((EVERYWHERE,)))
    plain = draw_trained(networks.base, networks.facestudio, guidance(), NOISE, FEW)
    torch.testing.assert_close(draw_trained(networks.base, networks.facestudio, masked, NOISE, FEW), plain, **BITS)


def test_masks_may_differ_from_picture_to_picture(networks):
    left = (torch.arange(16) < 8).float().expand(1, 16, 16)
    masks = torch.cat((left, 1 - left))
    placed = guidance(2, placement=MaskedRegions((masks, 1 - masks)))
    swapped = replace(placed, faces=placed.faces.flip(1), placement=MaskedRegions((1 - masks, masks)))
    drawn = draw_trained(networks.base, networks.facestudio, placed, NOISE, FEW)
    torch.testing.assert_close(draw_trained(networks.base, networks.facestudio, swapped, NOISE, FEW), drawn, **BITS)
    other = replace(placed, placement=MaskedRegions((left, 1 - left)))
    torch.testing.assert_close(draw_trained(networks.base, networks.facestudio, other, NOISE, FEW)[0], drawn[0], **BITS)
    assert not torch.allclose(draw_trained(networks.base, networks.facestudio, other, NOISE, FEW)[1], drawn[1])


def test_two_people_need_places(networks):
    with pytest.raises(ValueError, match="2 people are everywhere"):
        draw_trained(networks.base, networks.facestudio, guidance(2), NOISE, FEW)


def test_what_is_kept_stays(networks):
    kept = Kept(torch.full_like(NOISE, 0.5), torch.ones(2, 1, 16, 16))
    drawn = draw_trained(networks.base, networks.facestudio, guidance(), NOISE, FEW, kept=kept)
    torch.testing.assert_close(drawn, kept.latents)


def test_zero_shot_heeds_style_face_text_and_masks(networks):
    prompts, asked = ["a man", "a woman"], guidance()
    shown = [
        (asked, prompts),
        (asked, prompts[::-1]),
        (replace(asked, style=asked.style.flip(0)), prompts),
        (replace(asked, faces=asked.faces.flip(0)), prompts),
        (replace(asked, faces=torch.zeros_like(asked.faces)), prompts),
        (replace(asked, placement=MaskedRegions((EVERYWHERE * (torch.arange(16) < 8),))), prompts),
    ]
    drawn = [draw_zero_shot(networks.base, networks.adapters, each, texts, NOISE, FEW) for each, texts in shown]
    for place, latents in enumerate(drawn):
        assert not any(torch.allclose(latents, other) for other in drawn[:place]), place
    assert hooks_on(networks.base.unet) == []
