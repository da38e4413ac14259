"""The guidance of people by their references: whom it pulls, where, and how far."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.feature_store import FeatureStore
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.omniportrait.guided_person import GuidedPerson, ReferencePicture
from likeness.models.omniportrait.mask_sources import FaceMasks
from likeness.models.omniportrait.reference_guidance import (
    FURTHEST,
    ReferenceGuidance,
    disjoint_masks,
    face_features,
    feather,
    positions_inside,
)
from likeness.models.placement.faces import SeenFaces
from likeness.models.placement.windows import ALWAYS, SigmaWindow
from likeness.models.port.guidance import FeatureCapture, NoiseLevels
from likeness.tests.models.omniportrait.small_steps import LEFT, RIGHT, blob, step

FIVE = torch.randn(5, 8, generator=torch.Generator().manual_seed(1))
ANN = GuidedPerson(name="Ann", mask=blob(LEFT)[None], features=FIVE)
BEN = GuidedPerson(
    name="Ben", mask=blob(RIGHT)[None], features=torch.randn(6, 8, generator=torch.Generator().manual_seed(2))
)


def guidance(*persons, source=None, **settings):
    return ReferenceGuidance(
        people=persons,
        settings=GuidanceSettings(**{"window": ALWAYS, "strength": 0.5, **settings}),
        capture=FeatureCapture(1),
        source=source,
        store=FeatureStore(),
    )


def moved(levels, *people, **settings):
    generator = torch.Generator().manual_seed(0)
    denoised, gradient, added = (torch.randn(2, 4, 6, 6, generator=generator) for _ in range(3))
    own = guidance(*people or (ANN,), **{"strength": 0.3, **settings})
    return own.correct(denoised, gradient, added, levels) - denoised, added


def test_relative_moves_by_a_share_of_what_guidance_does():
    shift, added = moved(NoiseLevels(2.0, 1.5))
    for row in (0, 1):
        assert shift[row].norm() / added[row].norm() == pytest.approx(0.3, rel=1e-4)


def test_moving_the_picture_alone_makes_good_for_the_part_that_a_step_keeps():
    eps, _ = moved(NoiseLevels(2.0, 1.5))
    x0, _ = moved(NoiseLevels(2.0, 1.5), step_mode="x0_only")
    torch.testing.assert_close(x0, 4 * eps)
    last, _ = moved(NoiseLevels(2.0, 0.0), step_mode="x0_only")
    torch.testing.assert_close(last, eps)
    tiny, _ = moved(NoiseLevels(2.0, 1.999), step_mode="x0_only")
    torch.testing.assert_close(tiny, FURTHEST * eps)


def test_who_has_a_mask_keeps_it_and_the_others_are_found():
    features = torch.randn(2, 5, 8)
    ann = GuidedPerson(name="Ann", mask=blob(RIGHT)[None], features=features[0])
    ben = GuidedPerson(name="Ben", place=1, features=features[1])
    source = FaceMasks(lambda latent: [SeenFaces(torch.tensor([LEFT]))])
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


def gradient_of(own, seen):
    """The gradient of all energies in the features, by person."""
    return [
        torch.autograd.grad(pull.energy.sum(), seen.features, retain_graph=True)[0]
        if pull.energy.requires_grad
        else None
        for pull in own.pulls(seen)
    ]


def seen_step():
    features = torch.randn(1, 8, 8, 8, generator=torch.Generator().manual_seed(3), requires_grad=True)
    return step(features=features)


def with_strength(one, strength, window=ALWAYS):
    return GuidedPerson(name=one.name, mask=one.mask, features=one.features, strength=strength, window=window)


def test_a_strength_of_1_changes_no_bit_and_half_of_one_person_is_half():
    plain, _ = moved(NoiseLevels(2.0, 1.5))
    half, _ = moved(NoiseLevels(2.0, 1.5), with_strength(ANN, 0.5))
    torch.testing.assert_close(half, 0.5 * plain)
    [whole], [scaled] = (gradient_of(guidance(one), seen_step()) for one in (ANN, with_strength(ANN, 0.5)))
    assert torch.equal(whole, scaled)  # "relative" would take a factor of the gradient out again


@pytest.mark.parametrize("mode", ["paper_mean", "paper_sum"])
def test_in_the_papers_modes_everybodys_strength_is_a_factor(mode):
    pair = guidance(ANN, BEN, mode=mode)
    other = guidance(with_strength(ANN, 2.0), with_strength(BEN, 0.5), mode=mode)
    levels = NoiseLevels(1.0, 0.5)
    for factor, plain, scaled in zip(
        (2.0, 0.5), gradient_of(pair, seen_step()), gradient_of(other, seen_step()), strict=True
    ):
        nothing = torch.zeros_like(plain)
        torch.testing.assert_close(
            other.correct(nothing, scaled, None, levels), factor * pair.correct(nothing, plain, None, levels)
        )


def test_two_people_of_different_strength_share_what_guidance_does():
    other = guidance(with_strength(ANN, 2.0), with_strength(BEN, 0.5))
    plain, scaled = (gradient_of(own, seen_step()) for own in (guidance(ANN, BEN), other))
    ratios = [float(after.norm() / before.norm()) for before, after in zip(plain, scaled, strict=True)]
    assert ratios[0] / ratios[1] == pytest.approx(4.0, rel=1e-5)
    assert (ratios[0] ** 2 + ratios[1] ** 2) / 2 == pytest.approx(1.0, rel=1e-5)


def test_somebody_outside_of_their_window_keeps_their_place_and_pulls_nothing():
    late = with_strength(BEN, 1.0, SigmaWindow(0.5, 0.0))
    own = guidance(ANN, late)
    first, second = own.pulls(seen_step())  # at a noise level of 1
    assert first.energy.requires_grad
    assert not second.energy.requires_grad
    assert second.mask.max() == 1
    assert own.is_active(1.0)
    assert not guidance(late).is_active(1.0)
    assert guidance(late).is_active(0.5)
    assert not guidance().is_active(1.0)


def test_it_acts_in_its_window_with_a_strength_alone():
    windowed = guidance(ANN, window=SigmaWindow(2.0, 1.0))
    assert [windowed.is_active(sigma) for sigma in (2.5, 2.0, 0.9)] == [False, True, False]
    assert not guidance(ANN, strength=0.0).is_active(1.0)


class Reader:
    """A `FeatureReader` of features that tell how they were read."""

    key = "reader"

    def __init__(self, network):
        self.network = network
        self.calls = []
        self.asked = []

    def of(self, place):
        self.asked.append(place)
        return self

    def __call__(self, latent, percent, seed):
        self.calls.append((percent, seed))
        return torch.full((3, 4, 4), float(latent.mean())) + seed


def picture(value, weight=1.0, share=0.5):
    mask = torch.zeros(8, 8)
    mask[: round(8 * share)] = 1
    return ReferencePicture(torch.full((1, 4, 4, 4), value), mask, weight)


def test_references_are_read_by_the_mean_of_several_noises_and_once():
    network = torch.nn.Identity()
    read, own = (
        Reader(network),
        guidance(
            GuidedPerson(name="Ann", references=(picture(1.0), picture(5.0)), mask=blob(LEFT)[None]),
            seeds=3,
            reference_percent=0.4,
        ),
    )
    [ann] = own.prepare(read).people
    assert read.calls == [(0.4, seed) for seed in range(3)] * 2
    assert ann.features[:, 0].tolist() == [2.0] * 8 + [6.0] * 8
    assert ann.weights is None
    assert own.prepare(read).people[0].features.equal(ann.features)
    assert len(read.calls) == 6
    assert own.people[0].features is None


def test_everybody_s_references_are_read_with_their_own_words():
    people = [
        GuidedPerson(name=name, place=place, references=(picture(1.0),), mask=blob(LEFT)[None])
        for name, place in (("Ben", 2), ("Ann", 0))
    ]
    read = Reader(torch.nn.Identity())
    guidance(*people, seeds=1).prepare(read)
    assert read.asked == [2, 0]


def test_other_settings_than_percent_and_seeds_read_nothing_again():
    network, store = torch.nn.Identity(), FeatureStore()
    read = Reader(network)

    def prepare(name, references, **settings):
        ann = GuidedPerson(name=name, references=references, mask=blob(LEFT)[None])
        chosen = GuidanceSettings(**{"window": ALWAYS, "seeds": 1, **settings})
        ReferenceGuidance(people=(ann,), settings=chosen, capture=FeatureCapture(1), store=store).prepare(read)

    prepare("Ann", (picture(1.0), picture(2.0)))
    prepare("Ben", (picture(2.0), picture(1.0, weight=0.3)), strength=0.9, every=3)
    assert len(read.calls) == 2
    prepare("Ann", (picture(1.0),), seeds=2)
    prepare("Ann", (picture(1.0),), reference_percent=0.9)
    prepare("Ann", (picture(1.0, share=0.75),))
    assert len(read.calls) == 6


def test_weights_of_pictures_are_those_of_their_features():
    ann = GuidedPerson(name="Ann", references=(picture(1.0, 0.75), picture(5.0, 0.25, 0.25)), mask=blob(LEFT)[None])
    [found] = guidance(ann, seeds=1).prepare(Reader(torch.nn.Identity())).people
    assert found.weights.tolist() == [0.75] * 8 + [0.25] * 4


def test_weights_move_what_is_pulled_towards_the_heavier_picture():
    first, second = torch.randn(2, 1, 8, generator=torch.Generator().manual_seed(4))
    likeness = []
    for weights in (torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.5, 0.5]), None):
        ann = GuidedPerson(name="Ann", mask=blob(LEFT)[None], features=torch.cat((first, second)), weights=weights)
        [pull] = guidance(ann).pulls(seen_step())
        likeness.append(float(pull.likeness))
    assert likeness[2] == pytest.approx((likeness[0] + likeness[1]) / 2, rel=1e-5)
    assert likeness[3] == pytest.approx(likeness[2], rel=1e-5)
    assert likeness[0] != pytest.approx(likeness[1], rel=1e-3)


def test_features_are_those_inside_the_mask_at_most_1024():
    features = torch.arange(3 * 64 * 64.0).view(3, 64, 64)
    mask = torch.zeros(8, 8)
    mask[2:4] = 1
    points = face_features(features, mask)
    assert len(points) == 1024
    assert torch.equal(points[:, 0], features[0, 16:32].flatten())
    assert len(face_features(features, torch.ones(4, 4))) == 1024
    assert torch.equal(face_features(features, torch.ones(4, 4), most=None), features.flatten(1).T)
    with pytest.raises(InvalidSettingError, match="smaller than one position"):
        face_features(features[:, :2, :2], torch.zeros(8, 8))


class FineReader:
    """A `FeatureReader` of a fine grid, whose features are the same for all noises."""

    key = "fine reader"

    def __init__(self):
        self.network = torch.nn.Identity()
        self.features = torch.randn(8, 64, 64, generator=torch.Generator().manual_seed(9)) + 1

    def of(self, place):
        return self

    def __call__(self, latent, percent, seed):
        return self.features


def test_the_sum_sees_every_point_of_a_large_face_and_the_mean_1024():
    """Eq. 8 adds up all points of the face: a quarter of them would be another number, of which 1 / (1 + S) is four times."""
    read, seen, store = FineReader(), seen_step(), FeatureStore()
    found = {}
    for mode in ("paper_sum", "paper_mean", "relative"):
        large = GuidedPerson(name="Ann", references=(picture(1.0, share=1.0),), mask=blob(LEFT)[None])
        own = ReferenceGuidance(
            people=(large,),
            settings=GuidanceSettings(window=ALWAYS, mode=mode, seeds=1),
            capture=FeatureCapture(1),
            store=store,
        ).prepare(read)
        found[mode] = own.people[0].features, own.pulls(seen)[0]
    assert {mode: len(points) for mode, (points, _) in found.items()} == {
        "paper_sum": 64 * 64,
        "paper_mean": 1024,
        "relative": 1024,
    }
    reference, pull = found["paper_sum"]
    inside = positions_inside(blob(LEFT)[None] > 0.5, (8, 8))[0]
    generated = seen.features[0].flatten(1).T[inside]
    nearest = torch.cdist(reference, generated).argmin(1)
    alike = (torch.nn.functional.cosine_similarity(generated[nearest], reference) + 1) / 2
    torch.testing.assert_close(pull.energy[0], 1 / (1 + alike.sum()))
    [whole] = torch.autograd.grad(pull.energy.sum(), seen.features, retain_graph=True)
    [by_hand] = torch.autograd.grad(1 / (1 + alike.sum()), seen.features)
    torch.testing.assert_close(whole, by_hand)


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
