"""One guided step: who acts, who is due, and how a gradient is taken in half precision."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from likeness.models.port.attention import Run
from likeness.models.port.guidance import FeatureCapture, GuidedStep, NoiseLevels, Pull
from likeness.models.records.guidance import GuidanceRecord

pytestmark = pytest.mark.comfy


@dataclass(eq=False)
class Pulling:
    """A guidance whose energy is the latent's sum times a factor, in one half of the picture."""

    factor: float = 1.0
    every: int = 1
    name: str = "Ann"

    @property
    def capture(self):
        return FeatureCapture(5)

    @property
    def wants_attention(self):
        return False

    def prepare(self, read):
        return self

    def is_active(self, sigma):
        return True

    def pulls(self, step):
        mask = torch.zeros(1, 1, 2, 2)
        mask[..., 0] = 1
        energy = step.features.flatten(1).sum(1) * self.factor
        return [Pull(self.name, energy, mask, torch.tensor([0.5]))]

    def correct(self, denoised, gradient, guidance, levels):
        return denoised - gradient * levels.current


def begin(run, *guidances):
    from likeness.host.guidance.step import Step

    return Step.begin("key", run, guidances)


def seen(leaf):
    return GuidedStep(features=leaf * 1, size=(2, 2), sigma=2.0, denoised=leaf.detach())


def leaf_of(dtype=torch.float32):
    return torch.ones(1, 1, 2, 2, dtype=dtype, requires_grad=True)


def test_a_new_gradient_is_due_at_every_kth_evaluation_of_a_run():
    run, often, seldom = Run(), Pulling(), Pulling(every=3)
    due = [[each is seldom for each in begin(run, often, seldom).due] for _ in range(5)]
    assert due == [[False, True], [False], [False], [False, True], [False]]
    assert begin(Run(), seldom).due == (seldom,)  # another run begins anew


def test_gradients_act_inside_their_mask_until_the_next_one():
    run, guidance, leaf = Run(), Pulling(3.0, every=2), leaf_of()
    step = begin(run, guidance)
    step.take_gradient(guidance, guidance, seen(leaf), leaf)
    expected = torch.tensor([[[[-6.0, 0.0], [-6.0, 0.0]]]])  # factor 3, noise level 2
    for _ in range(2):
        assert torch.equal(step.correct(torch.zeros(1, 1, 2, 2), NoiseLevels(2.0)), expected)
        step = begin(run, guidance)


def test_latents_of_another_size_are_not_moved():
    guidance, leaf = Pulling(), leaf_of()
    step = begin(Run(), guidance)
    step.take_gradient(guidance, guidance, seen(leaf), leaf)
    other = torch.zeros(2, 1, 2, 2)
    assert step.correct(other, NoiseLevels(2.0)) is other


def test_small_gradients_survive_half_precision():
    guidance, leaf = Pulling(1e-8), leaf_of(torch.float16)
    step = begin(Run(), guidance)
    step.take_gradient(guidance, guidance, seen(leaf), leaf)
    gradient = step.memories[id(guidance)].gradient
    assert gradient is not None
    assert float(gradient[0, 0, 0, 0]) == pytest.approx(1e-8, rel=0.02)


@pytest.mark.parametrize(("factor", "is_found"), [(100.0, True), (math.inf, False)])
def test_large_gradients_are_taken_with_smaller_energies_and_endless_ones_are_skipped(factor, is_found, caplog):
    recorder = GuidanceRecord()
    guidance, leaf = Pulling(factor), leaf_of(torch.float16)
    step = begin(Run(guidance_recorder=recorder), guidance)
    step.take_gradient(guidance, guidance, seen(leaf), leaf)
    gradient = step.memories[id(guidance)].gradient
    assert (gradient is not None) == is_found
    assert recorder.skipped == (not is_found)
    assert ("was not finite" in caplog.text) != is_found
    if gradient is not None:
        assert float(gradient[0, 0, 0, 0]) == pytest.approx(factor)


def test_where_no_energy_has_a_graph_there_is_no_gradient():
    from likeness.host.guidance.step import gradient_of

    leaf = leaf_of()
    still = Pull("Ann", torch.zeros(1), torch.ones(1, 1, 2, 2), torch.zeros(1))
    assert gradient_of([still], leaf, 1.0) is None
    both = gradient_of([still, *Pulling(2.0).pulls(seen(leaf))], leaf, 1.0)
    assert both is not None
    assert both.flatten().tolist() == [2, 0, 2, 0]


def test_what_guidance_adds_is_counted_against_the_negative_side():
    recorder = GuidanceRecord()
    guidance, leaf = Pulling(), leaf_of()
    step = begin(Run(guidance_recorder=recorder), guidance)
    step.take_gradient(guidance, guidance, seen(leaf), leaf)
    step.negative = torch.full((1, 1, 2, 2), -4.0)
    step.correct(torch.zeros(1, 1, 2, 2), NoiseLevels(2.0))
    [correction] = recorder.corrections
    assert correction.share == pytest.approx(0.5)  # moved by 2 where classifier-free guidance had added 4


def test_the_negative_side_is_what_a_step_asked_first():
    """Self-attention guidance asks about it once more, with other latents."""
    step = begin(Run(), Pulling())
    for value in (1.0, 2.0):
        step.keep_negative(torch.full((1, 1), value), None, 1)
    assert step.negative == torch.ones(1, 1)
    windowed = begin(Run(), Pulling())
    for value, window in ((1.0, (0, 1)), (3.0, (1, 2)), (9.0, (0, 1)), (9.0, None)):
        windowed.keep_negative(torch.full((len(window or "abc"), 1), value), window, 3)
    assert windowed.negative.flatten().tolist() == [1, 2, 3]


@pytest.mark.parametrize(("sigma", "following"), [(10.0, 3.0), (3.0 * (1 + 1e-7), 0.5), (0.5, 0.0), (0.1, 0.0)])
def test_the_next_level_is_the_highest_below_this_one(sigma, following):
    from likeness.host.guidance.step import levels_of

    options = {"sample_sigmas": torch.tensor([10.0, 3.0, 0.5, 0.0])}
    assert levels_of(sigma, options) == NoiseLevels(sigma, following)
    assert levels_of(sigma, {}) == NoiseLevels(sigma, 0.0)
