"""Guidance in the studio: the port of models/port/guidance.py for pictures with other people in every row."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.guidance import Guided, GuidedRun
from likeness.diffusers_host.noise_levels import nearest_timestep, zero_snr_sigmas
from likeness.diffusers_host.prompted import Prompted
from likeness.diffusers_host.reference_features import ReferenceReader
from likeness.miniature.studio.drawing import Settings, draw_latents
from likeness.models.errors import InvalidSettingError
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.omniportrait.guided_person import GuidedPerson, ReferencePicture
from likeness.models.omniportrait.mask_sources import AttentionMasks, FaceMasks
from likeness.models.omniportrait.reference_guidance import ReferenceGuidance, face_features
from likeness.models.placement.faces import SeenFaces
from likeness.models.placement.windows import ALWAYS, SigmaWindow
from likeness.models.port.attention import Run
from likeness.models.port.guidance import GuidedStep, NoiseLevels
from likeness.models.records.guidance import GuidanceRecord
from likeness.tests.diffusers_host.small_drawing import CAPTURE, NOISE, PROMPTS, SIDE, SIGMA, hooks
from likeness.tests.diffusers_host.small_drawing import base as base
from likeness.tests.diffusers_host.small_drawing import prompted as prompted
from torch import nn

FEW = Settings(steps=3)


def half(side="left"):
    mask = torch.zeros(1, SIDE, SIDE)
    mask[..., : SIDE // 2] = 1
    return mask if side == "left" else mask.flip(-1)


def person(seed, mask=None, name="Ann"):
    """Somebody whose features are known at `CAPTURE`: the upsampled level below, 64 channels."""
    features = torch.randn(6, 64, generator=torch.Generator().manual_seed(seed))
    return GuidedPerson(name=name, features=features, mask=half() if mask is None else mask)


def guidance(*people, source=None, capture=CAPTURE, **settings):
    chosen = {"window": ALWAYS, "strength": 1.0} | settings
    return ReferenceGuidance(people=people, settings=GuidanceSettings(**chosen), capture=capture, source=source)


def drawn(base, *rows, settings=FEW, noise=NOISE, prompts=PROMPTS, words=None, record=None):
    guided = Guided(rows=rows, words=words, record=record) if rows else None
    return draw_latents(base, prompts, noise, settings, guided=guided)


def test_the_gradient_is_that_of_the_whole_graph(base, prompted):
    rows = tuple(guidance(person(seed), person(seed + 9, half("right"), "Ben")) for seed in range(2))
    run = GuidedRun(prompted, Guided(rows=rows), 2.0)
    timestep = nearest_timestep(SIGMA)
    run.velocities(NOISE, timestep, SIGMA)

    kept = {}
    last = base.unet.up_blocks[0].upsamplers[0]
    handle = last.register_forward_hook(lambda module, args, output: kept.update(h=output))
    leaf = (NOISE * (1 + SIGMA**2) ** 0.5).requires_grad_(True)
    prompted.positive(leaf / (1 + SIGMA**2) ** 0.5, timestep, SIGMA)
    handle.remove()
    expected = torch.zeros_like(NOISE)
    for row, each in enumerate(rows):
        step = GuidedStep(
            features=kept["h"][row : row + 1], size=(SIDE, SIDE), sigma=SIGMA, denoised=NOISE[row : row + 1]
        )
        for pull in each.pulls(step):
            [whole] = torch.autograd.grad(pull.energy.sum(), leaf, retain_graph=True)
            expected[row : row + 1] += (whole * pull.mask)[row : row + 1]
    assert expected.abs().amax((1, 2, 3)).min() > 0
    # with a strength of "paper_mean" the shift is the gradient times σ √(1 + σ²)
    shift = run.correct(torch.zeros_like(NOISE), NoiseLevels(SIGMA))
    for row in range(2):
        ratio = shift[row] / -expected[row]
        where = expected[row].abs() > 1e-3 * expected[row].abs().max()
        assert ratio[where].std() < 1e-3 * ratio[where].mean()


def test_the_shift_is_the_share_of_what_classifier_free_guidance_did(base, prompted):
    share, scale = 0.5, 3.0
    run = GuidedRun(prompted, Guided(rows=(guidance(person(0), strength=share),) * 2), scale)
    with torch.no_grad():
        away, towards = prompted.both(NOISE, 500, SIGMA)
    run.velocities(NOISE, 500, SIGMA)
    shift = run.correct(torch.zeros_like(NOISE), NoiseLevels(SIGMA))
    inside = (shift != 0).float()
    added = -SIGMA / (1 + SIGMA**2) ** 0.5 * scale * (towards - away)
    lengths = [((each * inside).square().sum((1, 2, 3)) / inside.sum((1, 2, 3))).sqrt() for each in (shift, added)]
    torch.testing.assert_close(lengths[0], share * lengths[1], rtol=1e-3, atol=0)


def test_without_classifier_free_guidance_a_unit_of_noise_is_the_measure(prompted):
    run = GuidedRun(prompted, Guided(rows=(guidance(person(0), strength=0.5),) * 2), 1.0)
    run.velocities(NOISE, 500, SIGMA)
    shift = run.correct(torch.zeros_like(NOISE), NoiseLevels(SIGMA))
    inside = shift != 0
    length = (shift.square().sum((1, 2, 3)) / inside.sum((1, 2, 3))).sqrt()
    torch.testing.assert_close(length, torch.full((2,), 0.5 * SIGMA), rtol=1e-4, atol=0)


def test_both_sides_by_themselves_say_what_they_say_together(prompted):
    run = GuidedRun(prompted, Guided(rows=(guidance(person(0)),) * 2), 2.0)
    for own, expected in zip(run.velocities(NOISE, 500, SIGMA), prompted.both(NOISE, 500, SIGMA), strict=True):
        torch.testing.assert_close(own, expected.detach(), atol=1e-5, rtol=0)


def test_no_strength_and_no_window_change_no_bit(base):
    plain = drawn(base)
    assert torch.equal(drawn(base, *(guidance(person(0), strength=0.0),) * 2), plain)
    assert torch.equal(drawn(base, *(guidance(person(0), window=SigmaWindow(0.0)),) * 2), plain)
    assert not torch.allclose(drawn(base, *(guidance(person(0)),) * 2), plain, atol=1e-2)
    assert torch.equal(drawn(base), plain)


def test_one_step_changes_the_inside_of_the_feathered_mask_alone(base):
    nowhere = drawn(base, *(guidance(person(0, torch.zeros(1, SIDE, SIDE))),) * 2, settings=Settings(steps=1))
    changed = (drawn(base, *(guidance(person(0)),) * 2, settings=Settings(steps=1)) != nowhere).any(1)
    assert changed[..., : SIDE // 2].all()
    assert changed[..., SIDE // 2].any()
    assert not changed[..., SIDE // 2 + 1 :].any()


def test_rows_of_a_batch_are_guided_as_single_pictures(base):
    rows = tuple(guidance(person(seed, half(side))) for seed, side in enumerate(("left", "right")))
    together = drawn(base, *rows)
    for number, row in enumerate(rows):
        alone = drawn(base, row, noise=NOISE[number : number + 1], prompts=PROMPTS[number : number + 1])
        torch.testing.assert_close(together[number : number + 1], alone, atol=1e-4, rtol=0)
    assert not torch.allclose(together, drawn(base, *rows[::-1]), atol=1e-2)


@pytest.mark.parametrize(("every", "count"), [(1, 4), (2, 2), (3, 2)])
def test_a_gradient_serves_as_many_steps_as_it_is_told(base, every, count):
    record = GuidanceRecord()
    drawn(base, *(guidance(person(0), every=every),) * 2, settings=Settings(steps=4), record=record)
    assert len(record.entries) == count
    assert len(record.corrections) == 4
    assert all(len(entry.likeness) == 2 for entry in record.entries)


def test_guidance_acts_in_its_window_alone(base):
    levels = zero_snr_sigmas()[[999, 749, 499, 249]].tolist()
    record = GuidanceRecord()
    window = SigmaWindow(levels[1], levels[2])
    drawn(base, *(guidance(person(0), window=window),) * 2, settings=Settings(steps=4), record=record)
    assert [entry.sigma for entry in record.entries] == levels[1:3]
    assert [entry.sigma for entry in record.corrections] == levels[1:3]


def test_faces_are_looked_for_in_what_a_picture_will_be(base):
    """A look sees latents as the VAE takes them, one picture at a time, and only inside what it finds there is guidance."""
    looked = []

    def look(latents):
        looked.append(latents)
        return [SeenFaces(torch.tensor([[0.0, 0.0, 0.5, 1.0]]))]

    source = FaceMasks(look, every=2)
    ann = GuidedPerson(name="Ann", features=person(0).features)
    drawn(base, *(guidance(ann, source=source),) * 2, settings=Settings(steps=4))
    assert [each.shape for each in looked] == [(1, 4, SIDE, SIDE)] * 4  # 2 pictures, every other step
    final = drawn(base, *(guidance(person(0, torch.zeros(1, SIDE, SIDE))),) * 2, settings=Settings(steps=4))
    last = looked[2] * base.latent_scale
    assert (last - final[:1]).abs().mean() < (looked[0] * base.latent_scale - final[:1]).abs().mean()


def test_people_are_found_by_the_attention_to_their_words(base):
    ann = GuidedPerson(name="Ann", features=person(0).features)
    record = GuidanceRecord()
    own = guidance(ann, source=AttentionMasks())
    with pytest.raises(InvalidSettingError, match="No word of the prompt"):
        drawn(base, own, own)
    drawn(base, own, own, words=torch.tensor([[2], [2]]), record=record)
    assert record.masks["Ann"].shape == (2, SIDE, SIDE)


def test_features_are_read_once_at_the_first_guided_step(base, monkeypatch):
    read, pulled = [], []
    call, pulls = ReferenceReader.__call__, ReferenceGuidance.pulls
    monkeypatch.setattr(ReferenceReader, "__call__", lambda self, *args: read.append(args[1:]) or call(self, *args))
    monkeypatch.setattr(
        ReferenceGuidance, "pulls", lambda self, step: pulled.append(self.people[0].features) or pulls(self, step)
    )
    picture = ReferencePicture(torch.randn(1, 4, SIDE, SIDE), torch.ones(8, 8))
    ann = GuidedPerson(name="Ann", references=(picture,), mask=half())
    drawn(base, *(guidance(ann, seeds=2),) * 2, prompts=PROMPTS[:1] * 2)
    percent = GuidanceSettings(window=ALWAYS).reference_percent
    assert read == [(percent, 0), (percent, 1)]  # of two pictures with one prompt and several steps
    monkeypatch.undo()
    prompted = Prompted.of(base, PROMPTS[:1], Run())
    seen = [ReferenceReader(prompted, 0, CAPTURE)(picture.latent, percent, seed) for seed in range(2)]
    expected = face_features(torch.stack(seen).mean(0), picture.mask)
    for features in pulled:
        torch.testing.assert_close(features, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("fails", ["reading", "pulling"])
def test_everything_is_taken_off_after_an_error(base, fails, monkeypatch):
    before, plain = hooks(base), drawn(base)
    what = {"reading": "prepare", "pulling": "pulls"}[fails]

    def broken(self, given):
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(ReferenceGuidance, what, broken)
        with pytest.raises(InterruptedError):
            drawn(base, *(guidance(person(0)),) * 2)
    assert hooks(base) == before
    assert torch.equal(drawn(base), plain)
    assert not any(isinstance(each, nn.Module) and each.training for each in base.unet.modules())
