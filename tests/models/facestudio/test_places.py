"""Masks of people on a layer's grid."""

import torch
from likeness.models.facestudio.places import MaskedRegions
from likeness.models.facestudio.regions import weights
from likeness.models.port.attention import AttentionSite, Crop

SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=8, path="")


def halves(height=8, width=8):
    masks = torch.zeros(2, 1, height, width)
    masks[0, ..., : width // 2] = 1
    masks[1, ..., width // 2 :] = 1
    return masks


def test_masks_of_one_size_are_what_the_rule_says(call):
    masks = torch.rand(3, 1, 13, 17)
    for mode in ("hard", "soft", "front"):
        got = MaskedRegions(tuple(masks), mode)(SITE, call((4, 6)))[0]
        torch.testing.assert_close(got, weights(masks[:, 0], (4, 6), mode=mode)[:-1].flatten(1).T)


def test_masks_may_have_any_size_each(call):
    left, right = halves(8, 8)[0], halves(31, 62)[1]
    got = MaskedRegions((left, right))(SITE, call((4, 4)))[0].unflatten(0, (4, 4))
    assert got[0, :, 0].tolist() == [1, 1, 0, 0]
    assert got[0, :, 1].tolist() == [0, 0, 1, 1]


def test_whoever_has_no_mask_gets_the_rest(call):
    got = MaskedRegions((halves()[0], None))(SITE, call((4, 4)))[0].unflatten(0, (4, 4))
    assert got[3, :, 1].tolist() == [0, 0, 1, 1]
    assert MaskedRegions((None,))(SITE, call((4, 4))).all()


def test_each_picture_of_a_batch_takes_its_own_mask(call):
    left, right = halves()
    swapped = MaskedRegions((torch.cat([left, right]), torch.cat([right, left])))
    got = swapped(SITE, call((2, 2), samples=(0, 1, 2)))
    assert got[0, :, 0].tolist() == [1, 0, 1, 0]
    assert got[1, :, 0].tolist() == [0, 1, 0, 1]
    assert torch.equal(got[2], got[0])


def test_a_crop_sees_its_part_of_the_mask(call):
    got = MaskedRegions(tuple(halves()))(SITE, call((4, 4), crop=Crop(0, 4, 8, 4, 8, 8)))
    assert not got[..., 0].any()
    assert got[..., 1].all()


def test_somebody_nowhere_has_no_place(call):
    got = MaskedRegions((halves()[0], torch.zeros(1, 5, 5)))(SITE, call((4, 4)))
    assert not got[..., 1].any()
