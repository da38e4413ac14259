"""The positive cond's pass: prepared once, captured where it is asked for, everybody's gradient from one graph."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from likeness.models.port.guidance import FeatureCapture, Pull

pytestmark = pytest.mark.comfy


@dataclass(eq=False)
class Watching:
    """A guidance that keeps what it sees and pulls the features' mean square."""

    block: int = 5
    wants_attention: bool = False
    every: int = 1
    name: str = "Ann"
    factor: float = 300.0
    seen: list = field(default_factory=list)
    prepared: list = field(default_factory=list)

    @property
    def capture(self):
        return FeatureCapture(self.block)

    def prepare(self, read):
        self.prepared.append(read.block)
        return self

    def is_active(self, sigma):
        return True

    def pulls(self, step):
        self.seen.append(step)
        energy = step.features.float().square().mean((1, 2, 3)) * self.factor
        return [Pull(self.name, energy, torch.ones(1, 1, *step.size), energy.detach())]

    def correct(self, denoised, gradient, guidance, levels):
        return denoised - gradient


@pytest.fixture
def run(loaded_model, sample):
    def guided(*guidances, **settings):
        from likeness.host.guidance.attach import guide

        model = loaded_model
        with torch.inference_mode():
            for each in guidances:
                model = guide(model, each)
            return sample(model, **{"steps": 2, **settings})

    return guided


def test_guidances_are_prepared_once_in_a_run_and_see_every_step(run):
    first, second = Watching(5), Watching(8)
    run(first, second)
    assert (first.prepared, second.prepared) == ([5], [8])
    assert [len(each.seen) for each in (first, second)] == [2, 2]
    assert first.seen[0].features.shape == (1, 128, 8, 8)
    assert second.seen[0].features.shape == (1, 64, 16, 16)
    assert first.seen[0].sigma > first.seen[1].sigma
    assert first.seen[0].denoised.shape == (1, 4, 16, 16)


def test_several_guidances_share_one_pass(run, loaded_model):
    """Every cond of a step runs once, whoever guides."""
    counts = []
    hook = loaded_model.model.diffusion_model.time_embed.register_forward_hook(lambda *_: counts.append(1))
    for guidances in ((Watching(5),), (Watching(5), Watching(8), Watching(5))):
        counts.clear()
        run(*guidances)
        assert len(counts) == 4  # two steps, the positive cond apart from the negative one
    hook.remove()


def test_what_guidances_move_adds_up(run):
    """Each gradient is taken at the same noisy latent, whoever else guides."""
    nothing, first, second, both = (
        run(*guidances, steps=1)
        for guidances in (
            [Watching(5, factor=0.0)],
            [Watching(5)],
            [Watching(8)],
            [Watching(5), Watching(8)],
        )
    )
    moved = [each - nothing for each in (first, second)]
    assert min(each.abs().max() for each in moved) > 0.1
    torch.testing.assert_close(both - nothing, moved[0] + moved[1], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("wants", [False, True])
def test_attention_is_read_where_somebody_wants_it(run, conditioning, wants):
    watching = Watching(wants_attention=wants)
    run(watching, steps=1, positive=conditioning(10, **{"likeness.named rows": ((0, 2),)}))
    [step] = watching.seen
    assert (step.attention is not None) == wants
    assert not wants or set(step.attention.columns) == {0}


def test_a_part_of_the_picture_shows_no_whole_face_and_gets_no_gradient(run, conditioning):
    watching = Watching()
    run(watching, steps=1, positive=conditioning(10, area=(16, 8, 0, 0)))
    assert watching.seen == []
