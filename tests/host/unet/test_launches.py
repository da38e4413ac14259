"""How many operations a layer adds to a call of the UNet: on a card each is a launch, and a small call waits for little else."""

from __future__ import annotations

import pytest
import torch
from likeness.benchmarks.operations import count_operations
from likeness.models.placement.placements import Masks
from likeness.models.placement.windows import SigmaWindow

pytestmark = pytest.mark.comfy

SIDE, SITES = 64, 16
BESIDE = 8  # operations a call may add whatever its layers do


def halves(edge=0.0):
    left = torch.zeros(1, 16, 16)
    left[..., :8], left[..., 7:9] = 1, max(edge, 0)
    left[..., 7] = 1 - edge
    return Masks((left, 1 - left))


@pytest.fixture(scope="module")
def added(tiny_model):
    """Operations that people add to the second call of a run, by name."""
    from likeness.benchmarks.comfy_process import unet_call
    from likeness.host.unet.attention import inject

    model = tiny_model("sd15")

    def launched(some):
        call = unet_call(some, SIDE)
        call()
        return count_operations(call)

    def count(*residuals):
        with torch.inference_mode():
            plain, found = launched(model), launched(inject(model, residuals, name="people"))
        return (found - plain).total()

    return model, count


@pytest.mark.parametrize(
    ("people_of", "placement", "most"),
    [
        (1, None, 2),  # one attention and one sum
        (2, None, 9),  # the router's five, an attention for each side, what joins them, and the sum
        (4, None, 9),
        (1, halves, 2),
        (2, halves, 4),
        (2, lambda: halves(0.25), 5),
    ],
)
def test_a_layer_keeps_its_budget(added, people, people_of, placement, most):
    model, count = added
    placed = placement() if placement else None
    if placed and people_of == 1:
        placed = Masks(placed.masks[:1])
    assert count(people(model, people_of, placement=placed)) <= most * SITES + BESIDE


def test_a_layer_at_which_nobody_acts_adds_nothing(added, people):
    model, count = added
    never = SigmaWindow(start=1e-9, end=1e-10)
    assert count(people(model, 2, windows=[never, never])) <= BESIDE


def test_an_input_that_other_patches_may_write_into_is_copied(added, people):
    """And one behind which only patches of ours lie is not."""
    from likeness.benchmarks.comfy_process import unet_call
    from likeness.host.unet.attention import inject

    def foreign(n, context, value, extra):
        return n.mul_(1.0), context, value

    model, _ = added
    with torch.inference_mode():
        clone = inject(model, [people(model, 1)], name="people")
        behind = clone.clone()
        behind.set_model_attn2_patch(foreign)
        copies = []
        for each in (clone, behind):
            call = unet_call(each, SIDE)
            call()
            copies.append(count_operations(call)["clone"] - count_operations(unet_call(model, SIDE))["clone"])
    assert copies == [0, SITES]
