"""Dividing places among people who were found."""

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.placement.found import Found, Regions, divide
from likeness.models.port.attention import AttentionCall, AttentionSite, Crop, Polarity, Run

SITE = AttentionSite("cross", ("input", 1, 0), 1, 4, "")


def call(run, *, grid=(4, 4), samples=(0,), sigma=1.0, polarity=Polarity.POSITIVE, crop=None):
    hidden = torch.zeros(len(samples), grid[0] * grid[1], 4)
    return AttentionCall(hidden, hidden, None, 1, grid, polarity, tuple(samples), sigma, crop, run)


class Known:
    """A look that has found what it is given."""

    def __init__(self, regions):
        self.given, self.asked = regions, []

    def regions(self, memory, sigma):
        self.asked.append(sigma)
        return self.given


def halves(*found):
    """Ann left, Ben right, in as many pictures as there are pairs of who is found."""
    scores = torch.zeros(len(found), 2, 4, 4)
    scores[:, 0, :, :2], scores[:, 0, :, 2:] = 0.9, 0.2
    scores[:, 1] = scores[:, 0].flip(-1)
    return Regions(scores, torch.tensor(found))


def test_before_the_first_look_all_share_everything():
    weights = Found(Known(None), (0, 1, 2))(SITE, call(Run()))
    assert torch.equal(weights, torch.full((1, 16, 3), 1 / 3))


@pytest.mark.parametrize("polarity", list(Polarity))
def test_everybody_stands_in_their_region(polarity):
    weights = Found(Known(halves((True, True))), (0, 1))(SITE, call(Run(), polarity=polarity))
    ann, ben = weights[0].T.unflatten(1, (4, 4))
    assert torch.equal(ann, torch.tensor([1.0, 1, 0, 0]).expand(4, 4))
    assert torch.equal(ben, 1 - ann)


def test_people_are_taken_by_their_place_in_the_chain():
    ben, ann = Found(Known(halves((True, True))), (1, 0))(SITE, call(Run()))[0].T
    assert torch.equal(ann, Found(Known(halves((True, True))), (0, 1))(SITE, call(Run()))[0].T[0])
    alone = Found(Known(halves((True, True))), (1,))(SITE, call(Run()))
    assert torch.equal(alone[0, :, 0], ben)


@pytest.mark.parametrize(
    ("otherwise", "expected"),
    [
        ("everybody", [[1, 1, 0, 0], [0, 0, 1, 1]]),
        ("nobody", [[1, 1, 0, 0], [0, 0, 0, 0]]),
        ("nearest", [[1, 1, 1, 1], [0, 0, 0, 0]]),
    ],
)
def test_who_was_not_found_gets_what_was_chosen(otherwise, expected):
    weights = Found(Known(halves((True, False))), (0, 1), otherwise)(SITE, call(Run()))
    assert torch.equal(weights[0].T.unflatten(1, (4, 4))[:, 0], torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize(("otherwise", "share"), [("everybody", 0.5), ("nobody", 0.0), ("nearest", 0.5)])
def test_where_nobody_was_found_it_is_as_chosen_too(otherwise, share):
    weights = Found(Known(halves((False, False))), (0, 1), otherwise)(SITE, call(Run()))
    assert torch.equal(weights, torch.full((1, 16, 2), share))


def test_pictures_and_people_that_nobody_looked_at_are_not_found():
    regions = halves((True, True))
    found = Found(Known(regions), (0, 1, 7), "nobody")
    first, second = found(SITE, call(Run(), samples=(0, 3)))
    assert first[:, :2].sum() == 16
    assert not first[:, 2].any()
    assert not second.any()


def test_weights_are_made_anew_for_new_regions_alone():
    run, look = Run(), Known(halves((True, True)))
    found = Found(look, (0, 1))
    first = found(SITE, call(run, sigma=3.0))
    assert found(SITE, call(run, sigma=2.0)) is first
    assert look.asked == [3.0, 2.0]
    look.given = halves((False, False))
    assert not torch.equal(found(SITE, call(run)), first)


def test_a_part_of_the_picture_sees_its_part_of_the_regions():
    crop = Crop(0, 4, 8, 4, 8, 8)  # the right half
    weights = Found(Known(halves((True, True))), (0, 1))(SITE, call(Run(), grid=(4, 2), crop=crop))
    assert torch.equal(weights[0, :, 1], torch.ones(8))


@pytest.mark.parametrize("otherwise", ["everybody", "nobody", "nearest"])
@pytest.mark.parametrize("is_soft", [False, True])
@pytest.mark.parametrize("people", [1, 2, 5])
def test_sums_are_at_most_1_and_order_does_not_matter(otherwise, is_soft, people):
    generator = torch.Generator().manual_seed(people)
    scores, found = torch.rand(3, people, 35, generator=generator), torch.rand(3, people, generator=generator) > 0.4
    weights = divide(scores, found, otherwise, is_soft=is_soft)
    assert (weights >= 0).all()
    assert (weights.sum(1) <= 1 + 1e-6).all()
    order = torch.randperm(people, generator=generator)
    turned = divide(scores[:, order], found[:, order], otherwise, is_soft=is_soft)
    torch.testing.assert_close(turned, weights[:, order])


def test_soft_people_share_the_more_equally_the_nearer_both_are_and_less_outside():
    scores = torch.tensor([[[0.8, 0.6, 0.25], [0.8, 0.2, 0.0]]])
    first, second = divide(scores, torch.ones(1, 2, dtype=torch.bool), "nobody", is_soft=True)[0]
    torch.testing.assert_close(first, torch.tensor([0.5, 81 / 82, 1 / 16]))
    torch.testing.assert_close(second, torch.tensor([0.5, 1 / 82, 0.0]))


def test_an_unknown_choice_is_named():
    with pytest.raises(InvalidSettingError, match='not_found is "all"; choose one of: everybody, nobody, nearest'):
        Found(Known(None), (0,), "all")  # pyright: ignore[reportArgumentType]
