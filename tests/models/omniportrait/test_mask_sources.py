"""Where guided people are: at their words, at their faces, or where a placement puts them."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.guided_person import GuidedPerson
from likeness.models.omniportrait.mask_sources import AttentionMasks, FaceMasks, PlacedMasks
from likeness.models.placement.faces import SeenFaces
from likeness.models.placement.placements import Masks, MasksFirst
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.models.port.guidance import GuidedStep
from likeness.tests.models.omniportrait.small_steps import LEFT, RIGHT, SIDE, attention, blob, people, step

PLACED_SIDE = 8
ANN, BEN = GuidedPerson(name="Ann", place=0), GuidedPerson(name="Ben", place=2)


def test_words_find_people_where_they_attend_to():
    both = attention(blob(LEFT) + 0.01, blob(RIGHT) + 0.01)
    masks = AttentionMasks().find(people(), step(attention=both))[:, 0] > 0.5
    for mask, box in zip(masks, (LEFT, RIGHT), strict=True):
        wanted = blob(box) > 0
        assert (mask & wanted).sum() > 0.9 * wanted.sum()
        assert (mask & ~wanted).sum() < wanted.sum()


def test_a_mask_that_is_no_face_leaves_the_one_before_and_at_first_nobody():
    good, flat = attention(blob(LEFT) + 0.01), attention(torch.ones(SIDE, SIDE))
    memory = {}
    source = AttentionMasks()
    assert not source.find(people(1), step(attention=flat, memory=memory)).any()
    found = source.find(people(1), step(attention=good, memory=memory))
    assert found.any()
    assert torch.equal(source.find(people(1), step(attention=flat, memory=memory)), found)


def test_somebody_without_a_word_is_named():
    with pytest.raises(InvalidSettingError, match=r'"Ben"; write @id2'):
        AttentionMasks().find(people(), step(attention=attention(blob(LEFT))))


def test_faces_are_given_from_left_to_right():
    source = FaceMasks(lambda latent: [SeenFaces(torch.tensor([RIGHT, LEFT]))])
    masks = source.find(people(), step())[:, 0]
    assert torch.equal(masks[0], blob(LEFT))
    assert torch.equal(masks[1], blob(RIGHT))


def test_faces_are_given_to_whom_they_are_most_alike():
    features = torch.randn(1, 8, SIDE, SIDE)
    left, right = (features[0].flatten(1).T[blob(box).flatten() > 0] for box in (LEFT, RIGHT))
    source = FaceMasks(lambda latent: [SeenFaces(torch.tensor([LEFT, RIGHT]))], order="most alike")
    masks = source.find(people(features=(right, left)), step(features=features))[:, 0]
    assert torch.equal(masks[0], blob(RIGHT))
    assert torch.equal(masks[1], blob(LEFT))


def test_a_look_is_taken_every_few_steps_and_kept_where_too_few_faces_are_seen():
    looks = []

    def look(latent):
        looks.append(len(looks))
        return [SeenFaces(torch.tensor([LEFT, RIGHT]))] if len(looks) == 1 else [SeenFaces(torch.zeros(0, 4))]

    source, memory = FaceMasks(look, every=2), {}
    found = [source.find(people(), step(memory=memory)) for _ in range(5)]
    assert len(looks) == 3
    assert found[0].any()
    assert all(torch.equal(each, found[0]) for each in found)
    assert not FaceMasks(lambda latent: [SeenFaces(torch.zeros(0, 4))]).find(people(), step()).any()


def test_a_look_never_is_refused():
    with pytest.raises(InvalidSettingError, match="every is 0"):
        FaceMasks(lambda latent: [], every=0)


def site(kind="cross", index=1):
    return AttentionSite(kind=kind, block=("input", 1, 0), index=index, channels=4, path="")


def call(run, grid=(4, 4), rows=1, polarity=Polarity.POSITIVE):
    hidden = torch.zeros(rows, grid[0] * grid[1], 4, requires_grad=True)
    return AttentionCall(
        hidden=hidden,
        query=hidden,
        base=hidden,
        heads=1,
        grid=grid,
        polarity=polarity,
        samples=tuple(range(rows)),
        sigma=1.0,
        crop=None,
        run=run,
    )


def pass_of(notes, rows=1):
    return GuidedStep(
        features=torch.zeros(rows, 2, 4, 4),
        size=(PLACED_SIDE, PLACED_SIDE),
        sigma=1.0,
        denoised=torch.zeros(rows, 4, PLACED_SIDE, PLACED_SIDE),
        notes=notes,
    )


def half(side):
    mask = torch.zeros(1, PLACED_SIDE, PLACED_SIDE)
    mask[..., : PLACED_SIDE // 2] = 1
    return mask if side == "left" else mask.flip(-1)


def placed(placement=None):
    return PlacedMasks(placement or Masks((half("left"), half("right"))), (0, 2))


class Votes:
    """A placement by layer: shares of the first person of two, everywhere."""

    def __init__(self, *shares):
        self.shares = shares

    def __call__(self, site, call):
        share = torch.full((*call.hidden.shape[:2], 1), self.shares[site.index])
        return torch.cat((share, 1 - share), -1)


def test_everybody_is_where_they_are_placed():
    source, run = placed(), Run(notes={})
    assert source(site(), call(run)) is None
    ann, ben = source.find([ANN, BEN], pass_of(run.notes))
    assert ann.shape == (1, 4, 4)
    assert torch.equal(ann[0, :, :2], torch.ones(4, 2))
    assert not ann[0, :, 2:].any()
    assert torch.equal(ben, 1 - ann)
    assert torch.equal(placed_again(source, run, [BEN]), ben)


def placed_again(source, run, people):
    source(site(), call(run))
    [mask] = source.find(people, pass_of(run.notes))
    return mask


def test_the_layers_decide_by_their_mean():
    source, run = placed(Votes(0.0, 0.0, 1.0, 0.9)), Run(notes={})
    for index in (0, 2):
        source(site(index=index), call(run))
    source(site(index=3), call(run))
    ann, ben = source.find([ANN, BEN], pass_of(run.notes))
    assert ann.all()
    assert not ben.any()
    for index in (0, 1, 3):
        source(site(index=index), call(run))
    ann, ben = source.find([ANN, BEN], pass_of(run.notes))
    assert not ann.any()
    assert ben.all()


def test_every_picture_of_a_batch_has_its_own_masks():
    both = torch.cat((half("left"), half("right")))
    source, run = placed(Masks((both, both.flip(0)))), Run(notes={})
    source(site(), call(run, rows=2))
    [ann] = source.find([ANN], pass_of(run.notes, rows=2))
    assert torch.equal(ann[0], ann[1].flip(-1))
    assert ann[0, :, :2].all()


def test_where_nobody_is_placed_nobody_is_found():
    nowhere = torch.zeros(1, PLACED_SIDE, PLACED_SIDE)
    source, run = placed(Masks((half("left"), nowhere))), Run(notes={})
    source(site(), call(run))
    ann, ben = source.find([ANN, BEN], pass_of(run.notes))
    assert not ben.any()
    assert not ann[..., 2:].any()


def test_a_mask_beside_a_router_keeps_the_others_out():
    first = MasksFirst((half("left"),), (0,), (1,), Masks((torch.ones(1, PLACED_SIDE, PLACED_SIDE),)))
    source, run = placed(first), Run(notes={})
    source(site(), call(run))
    [ben] = source.find([BEN], pass_of(run.notes))
    assert not ben[..., :2].any()
    assert ben[..., 2:].all()


@pytest.mark.parametrize(
    "seen",
    [
        {"run": Run()},
        {"run": Run(notes={}), "polarity": Polarity.NEGATIVE},
        {"run": Run(notes={}), "polarity": Polarity.MIDDLE},
    ],
)
def test_only_the_positive_rows_of_guided_passes_are_looked_at(seen):
    source = placed()
    source(site(), call(**seen))
    assert not seen["run"].notes
    assert not source.find([ANN], pass_of(seen["run"].notes or {})).any()


def test_a_note_is_taken_out_when_it_is_read_and_holds_no_graph():
    source, run = placed(), Run(notes={})
    source(site(), call(run))
    assert not source.find([ANN], pass_of(run.notes)).requires_grad
    assert not run.notes
    assert not source.find([ANN], pass_of(run.notes)).any()


def test_it_looks_at_cross_attention_alone_and_asks_for_no_words():
    source = placed()
    assert source.wants(site())
    assert not source.wants(site("self"))
    assert not source.wants_attention
