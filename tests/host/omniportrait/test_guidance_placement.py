"""Guidance where a placement puts people: a router that is read in the guided pass, masks, and what comes first."""

from __future__ import annotations

import pytest
import torch
from likeness.tests.host.omniportrait.small_guidance import SIDE, Detector, Router, apply, by_face, half, people

pytestmark = pytest.mark.comfy

NAMES = ("Ann", "Ben")
SEED = 2  # of routers whose layers do not all agree


class Watched:
    """A placement that remembers what it said in guided passes, and how often it was asked."""

    def __init__(self, placement):
        self.placement = placement
        self.said, self.asked = [], 0

    def __call__(self, site, call):
        weights = self.placement(site, call)
        self.asked += 1
        self.said.append((call.grid, call.run.notes is not None, weights.detach().clone()))
        return weights


@pytest.fixture
def routed(loaded_model, people_residual):
    """A placement by UniPortrait's routers with random weights, watched, and a socket's value of it."""
    from likeness.host.memory import manage
    from likeness.host.placement import LoadedPlacement

    with torch.inference_mode():
        residual = people_residual(loaded_model, seed=SEED)
        watched = Watched(residual.placement)
        router = Router(watched, manage(residual.placement.routers))
    return watched, router, lambda by, **options: LoadedPlacement(by, router, **options)


@pytest.fixture
def people_residual(request):
    """The fixture `people` of all host tests, by another name than that of this file's function."""
    return request.getfixturevalue("people")


@pytest.fixture
def found(monkeypatch):
    """Every mask that was made of a placement, (N, B, h, w)."""
    from likeness.models.omniportrait.mask_sources import PlacedMasks

    seen, find = [], PlacedMasks.find

    def watched(self, everybody, step):
        masks = find(self, everybody, step)
        seen.append(masks)
        return masks

    monkeypatch.setattr(PlacedMasks, "find", watched)
    return seen


def test_people_are_pulled_where_the_router_puts_them(loaded_model, drawn, routed, found):
    watched, router, where = routed
    applied = apply(loaded_model, people(None, None), where=where("router"))
    assert [line.state for line in applied.lines] == ["router", "router"]
    assert router.asked == [list(NAMES)]
    drawn(applied.model, steps=1)
    guided = [(grid, weights) for grid, is_guided, weights in watched.said if is_guided]
    assert len(guided) == 16  # every layer of cross-attention
    maps = [
        torch.nn.functional.interpolate(weights.mT.unflatten(2, grid), (SIDE, SIDE), mode="nearest-exact")
        for grid, weights in guided
    ]
    owner = torch.stack(maps).mean(0).argmax(1)
    [masks] = found
    assert torch.equal(masks[0], (owner == 0).float())
    assert torch.equal(masks[1], (owner == 1).float())
    assert 0 < masks[0].mean() < 1


def test_the_router_is_asked_in_guided_passes_alone(loaded_model, drawn, routed):
    watched, _, where = routed
    model = apply(loaded_model, people(None, None), where=where("router"), start_percent=0.5).model
    drawn(model, steps=4)
    assert watched.said
    assert all(is_guided for _, is_guided, _ in watched.said)
    assert watched.asked % 16 == 0
    assert watched.asked < 4 * 16


def test_looking_on_changes_no_bit(loaded_model, drawn, routed):
    """The same masks by hand, on a model without an observer."""
    from likeness.host.unet.attention import inject
    from likeness.models.omniportrait.mask_sources import PlacedMasks

    watched, _, _ = routed
    plain = drawn(loaded_model)
    with torch.inference_mode():
        observed = inject(loaded_model, [PlacedMasks(watched, (0, 1))], name="observer", adds=False)
    assert torch.equal(drawn(observed), plain)
    assert not watched.said
    masked = people(half(), half("right"))
    assert torch.equal(drawn(apply(observed, masked).model), drawn(apply(loaded_model, masked).model))
    assert watched.said


def test_guidance_by_a_router_is_that_by_the_same_masks(loaded_model, drawn, routed, found):
    from likeness.host.placement import MASKS_ONLY

    _, _, where = routed
    by_router = drawn(apply(loaded_model, people(None, None), where=where("router")).model, steps=1)
    ann, ben = (mask for mask in found[0])
    by_masks = drawn(apply(loaded_model, people(ann, ben), where=MASKS_ONLY).model, steps=1)
    assert torch.equal(by_router, by_masks)
    assert not torch.equal(by_router, drawn(loaded_model, steps=1))


def test_own_masks_come_before_a_placement_and_a_placement_before_the_preview(loaded_model, drawn, routed, found):
    _, _, where = routed
    everybody = people(half(), None)
    applied = apply(loaded_model, everybody, where=where("router"))
    assert [line.state for line in applied.lines] == ["mask", "where no mask is"]
    drawn(applied.model, steps=1)
    [[ben]] = found
    assert not ben[..., : SIDE // 2].any()
    assert ben[..., SIDE // 2 :].all()
    overruled = apply(loaded_model, everybody, where=where("router", masks_first=False))
    assert [line.state for line in overruled.lines] == ["mask", "router"]
    assert apply(loaded_model, people(half(), half("right")), where=where("router")).is_applied


def test_one_person_alone_whom_a_placement_puts_everywhere_is_looked_for(loaded_model, routed):
    finding = by_face(Detector).faces
    _, router, where = routed
    applied = apply(loaded_model, people(None), where=where("router", faces=finding))
    assert [line.state for line in applied.lines] == ["at their face"]
    assert not router.asked


def test_a_placement_reads_no_reference_again(loaded_model, drawn, routed, monkeypatch):
    from likeness.host.guidance import reference_features

    reads, read = [], reference_features.ReferenceReader.__call__
    monkeypatch.setattr(
        reference_features.ReferenceReader, "__call__", lambda self, *args: reads.append(args) or read(self, *args)
    )
    _, _, where = routed
    drawn(apply(loaded_model, people(None, None), where=where("router")).model)
    assert len(reads) == 2
    drawn(apply(loaded_model, people(None, None), where=where("router"), strength=0.2).model)
    drawn(apply(loaded_model, people(half(), half("right"))).model)
    assert len(reads) == 2


def test_the_routers_weights_are_loaded_with_the_model(loaded_model, routed):
    _, router, where = routed
    model = apply(loaded_model, people(None, None), where=where("router")).model
    [[loaded]] = model.additional_models.values()
    assert loaded.model is router.weights.model
    assert not apply(loaded_model, people(half(), half("right")), where=where("router")).model.additional_models


def test_several_people_without_masks_are_refused_by_masks_alone(loaded_model):
    from likeness.host.placement import MASKS_ONLY
    from likeness.models.errors import InvalidSettingError

    with pytest.raises(InvalidSettingError, match="2 of 2 people have no mask"):
        apply(loaded_model, people(None, None), where=MASKS_ONLY)
