"""Who is where: masks without overlap, and the two ways of finding people."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.attention_masks import AttentionMasks
from likeness.models.omniportrait.face_masks import FaceMasks
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.omniportrait.guided_person import GuidedPerson
from likeness.models.omniportrait.person_masks import disjoint_masks, feather, positions_inside
from likeness.models.omniportrait.reference_guidance import ReferenceGuidance
from likeness.models.placement.ellipse import ellipse
from likeness.models.placement.windows import ALWAYS
from likeness.models.port.guidance import FeatureCapture, GuidedStep
from likeness.models.port.word_attention import Projected, WordAttention

SIDE = 16
LEFT, RIGHT = (0.1, 0.3, 0.4, 0.8), (0.6, 0.2, 0.9, 0.7)


def step(rows=1, attention=None, memory=None, features=None):
    return GuidedStep(
        features=torch.randn(rows, 8, 8, 8) if features is None else features,
        size=(SIDE, SIDE),
        sigma=1.0,
        denoised=torch.zeros(rows, 4, SIDE, SIDE),
        attention=attention,
        memory={} if memory is None else memory,
    )


def people(count=2, features=None):
    return [
        GuidedPerson(name=name, place=place, features=None if features is None else features[place])
        for place, name in enumerate(("Ann", "Ben")[:count])
    ]


def test_a_place_that_two_claim_goes_to_the_higher_claim_and_a_draw_to_the_first():
    soft = torch.tensor([[0.9, 0.6, 0.2, 1.0], [0.3, 0.8, 0.7, 1.0]])[:, None, None]
    masks = disjoint_masks(soft)[:, 0, 0]
    assert masks.tolist() == [[True, False, False, True], [False, True, True, False]]


def test_a_grid_takes_what_is_mostly_inside_and_of_a_small_mask_what_it_touches():
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0, :2, :3] = True
    mask[1, 0, 0] = True
    inside = positions_inside(mask, (2, 2))
    assert inside[0].tolist() == [True, True, False, False]
    assert inside[1].tolist() == [True, False, False, False]
    assert not positions_inside(torch.zeros(1, 4, 4, dtype=torch.bool), (2, 2)).any()


def test_edges_are_soft_over_one_cell():
    mask = torch.zeros(1, 4, 6, dtype=torch.bool)
    mask[..., :3] = True
    soft = feather(mask)[0, 0, 1]
    assert soft[:2].tolist() == [1, 1]
    assert soft[2].item() == pytest.approx(2 / 3)
    assert soft[3].item() == pytest.approx(1 / 3)
    assert soft[4:].tolist() == [0, 0]


def blob(box):
    return ellipse(torch.tensor(box), (SIDE, SIDE))


def attention(*columns):
    """Columns (SIDE, SIDE), and self-attention that looks at near positions."""
    y, x = torch.meshgrid(torch.arange(SIDE).float(), torch.arange(SIDE).float(), indexing="ij")
    angles = torch.stack([part.flatten() * torch.pi / SIDE for part in (y, x)])
    places = torch.cat((angles.sin(), angles.cos())).T[None] * 6
    return WordAttention(
        {place: column[None] for place, column in enumerate(columns)}, (Projected(places, places, 1),), (SIDE, SIDE)
    )


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
    source = FaceMasks(lambda latent: [torch.tensor([RIGHT, LEFT])])
    masks = source.find(people(), step())[:, 0]
    assert torch.equal(masks[0], blob(LEFT))
    assert torch.equal(masks[1], blob(RIGHT))


def test_faces_are_given_to_whom_they_are_most_alike():
    features = torch.randn(1, 8, SIDE, SIDE)
    left, right = (features[0].flatten(1).T[blob(box).flatten() > 0] for box in (LEFT, RIGHT))
    source = FaceMasks(lambda latent: [torch.tensor([LEFT, RIGHT])], order="most alike")
    masks = source.find(people(features=(right, left)), step(features=features))[:, 0]
    assert torch.equal(masks[0], blob(RIGHT))
    assert torch.equal(masks[1], blob(LEFT))


def test_a_look_is_taken_every_few_steps_and_kept_where_too_few_faces_are_seen():
    looks = []

    def look(latent):
        looks.append(len(looks))
        return [torch.tensor([LEFT, RIGHT])] if len(looks) == 1 else [torch.zeros(0, 4)]

    source, memory = FaceMasks(look, every=2), {}
    found = [source.find(people(), step(memory=memory)) for _ in range(5)]
    assert len(looks) == 3
    assert found[0].any()
    assert all(torch.equal(each, found[0]) for each in found)
    assert not FaceMasks(lambda latent: [torch.zeros(0, 4)]).find(people(), step()).any()


def guidance(*persons, source=None, **settings):
    return ReferenceGuidance(
        people=persons,
        settings=GuidanceSettings(window=ALWAYS, strength=0.5, **settings),
        capture=FeatureCapture(1),
        source=source,
    )


def test_who_has_a_mask_keeps_it_and_the_others_are_found():
    features = torch.randn(2, 5, 8)
    ann = GuidedPerson(name="Ann", mask=blob(RIGHT)[None], features=features[0])
    ben = GuidedPerson(name="Ben", place=1, features=features[1])
    source = FaceMasks(lambda latent: [torch.tensor([LEFT])])
    found = guidance(ann, ben, source=source).pulls(step(features=torch.randn(1, 8, 8, 8, requires_grad=True)))
    assert [pull.name for pull in found] == ["Ann", "Ben"]
    assert found[0].mask[0, 0][blob(RIGHT) > 0].min() > 0
    assert found[0].mask[0, 0, :, :5].max() == 0
    assert found[1].mask[0, 0][blob(LEFT) > 0].min() > 0
    assert all(pull.energy.requires_grad for pull in found)


def test_nobody_says_where_somebody_is():
    with pytest.raises(InvalidSettingError, match='where "Ben" is'):
        guidance(GuidedPerson(name="Ben"))


def test_somebody_who_is_not_found_pulls_nothing():
    ann = GuidedPerson(name="Ann", mask=torch.zeros(1, 4, 4), features=torch.randn(5, 8))
    [pull] = guidance(ann).pulls(step(features=torch.randn(1, 8, 8, 8, requires_grad=True)))
    assert not pull.energy.requires_grad
    assert pull.likeness.isnan().all()
    [everywhere] = guidance(ann, keeps_background=False).pulls(step())
    assert everywhere.mask.max() == 0


def test_without_masked_gradients_the_whole_picture_is_moved():
    ann = GuidedPerson(name="Ann", mask=blob(LEFT)[None], features=torch.randn(5, 8))
    [pull] = guidance(ann, keeps_background=False).pulls(step())
    assert pull.mask.min() == 1


def test_together_one_energy_pulls_inside_all_masks():
    features = torch.randn(2, 5, 8)
    pair = [
        GuidedPerson(name=name, mask=blob(box)[None], features=features[place])
        for place, (name, box) in enumerate((("Ann", LEFT), ("Ben", RIGHT)))
    ]
    seen = step(features=torch.randn(1, 8, 8, 8, requires_grad=True))
    apart, joined = guidance(*pair).pulls(seen), guidance(*pair, together=True).pulls(seen)
    assert [pull.energy.requires_grad for pull in joined] == [True, False]
    torch.testing.assert_close(joined[0].energy, apart[0].energy + apart[1].energy)
    assert torch.equal(joined[0].mask, torch.maximum(apart[0].mask, apart[1].mask))
