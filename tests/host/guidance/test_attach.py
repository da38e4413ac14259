"""Guidance by gradients in ComfyUI's samplers: what it changes, what it leaves alone, and beside whom it works."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.omniportrait.guided_person import GuidedPerson, ReferencePicture
from likeness.models.omniportrait.reference_guidance import ReferenceGuidance, face_features
from likeness.models.placement.windows import ALWAYS, SigmaWindow
from likeness.models.port.guidance import FeatureCapture
from likeness.tests.host.guiders import run_guider

pytestmark = pytest.mark.comfy

CAPTURE = FeatureCapture(5)
CHANNELS = 128  # of the tiny UNet behind output block 5
SIDE = 16


def person(seed, mask, count=6, name="Ann"):
    features = torch.randn(count, CHANNELS, generator=torch.Generator().manual_seed(seed))
    return GuidedPerson(name=name, features=features, mask=mask)


def half(side="left"):
    mask = torch.zeros(1, SIDE, SIDE)
    mask[..., : SIDE // 2] = 1
    return mask if side == "left" else mask.flip(-1)


def guidance(*people, mode="relative", strength=0.5, window=ALWAYS, capture=CAPTURE):
    return ReferenceGuidance(
        people=people or (person(0, half()),),
        settings=GuidanceSettings(mode=mode, strength=strength, window=window),
        capture=capture,
    )


def guided(model, *guidances):
    from likeness.host.guidance.attach import guide

    with torch.inference_mode():
        for each in guidances:
            model = guide(model, each)
    return model


def test_no_strength_and_no_window_change_no_bit(loaded_model, drawn):
    plain = drawn(loaded_model)
    assert torch.equal(drawn(guided(loaded_model, guidance(strength=0.0))), plain)
    assert torch.equal(drawn(guided(loaded_model, guidance(window=SigmaWindow(0.0, 0.0)))), plain)
    assert not torch.equal(drawn(guided(loaded_model, guidance())), plain)
    assert torch.equal(drawn(loaded_model), plain)


def test_one_step_changes_the_inside_of_the_feathered_mask_alone(loaded_model, drawn):
    """Against the same split of the batch, with a mask in which nobody is."""
    nowhere = guided(loaded_model, guidance(person(0, torch.zeros(1, SIDE, SIDE))))
    plain = drawn(nowhere, steps=1)
    found = drawn(guided(loaded_model, guidance()), steps=1)
    changed = (found != plain).any(1)[0]
    assert changed[:, : SIDE // 2].all()
    assert changed[:, SIDE // 2].any()
    assert not changed[:, SIDE // 2 + 1 :].any()


def test_a_split_batch_gives_what_the_whole_one_gives(loaded_model, drawn):
    nowhere = guided(loaded_model, guidance(person(0, torch.zeros(1, SIDE, SIDE))))
    torch.testing.assert_close(drawn(nowhere), drawn(loaded_model), atol=1e-3, rtol=0)


@pytest.mark.parametrize("mode", ["relative", "paper_mean", "paper_sum"])
def test_faces_become_more_alike_the_stronger_they_are_pulled(loaded_model, drawn, mode, monkeypatch):
    seen = {}
    pulls = ReferenceGuidance.pulls
    for strength in (1e-6, 0.5) if mode == "relative" else (1e-6, 300.0):
        alike = []

        def watched(self, step, alike=alike):
            found = pulls(self, step)
            alike.append(float(found[0].likeness))
            return found

        monkeypatch.setattr(ReferenceGuidance, "pulls", watched)
        drawn(guided(loaded_model, guidance(mode=mode, strength=strength)), steps=6)
        assert len(alike) == 6
        seen[strength] = alike[-1]
    weak, strong = seen.values()
    assert strong > weak + 1e-3


def test_the_gradient_is_that_of_the_whole_graph(loaded_model, tiny_model, drawn, monkeypatch):
    """Cut behind the captured block, in inference mode, through every wrapper; against plain autograd on ordinary weights."""
    from likeness.host.guidance import step as host

    found = []
    calculate = host.gradient_of

    def watched(pulls, leaf, scale):
        gradient = calculate(pulls, leaf, scale)
        found.append((leaf.detach().clone(), gradient.clone()))
        return gradient

    monkeypatch.setattr(host, "gradient_of", watched)
    own = guidance()
    text = torch.randn(1, 7, 24, generator=torch.Generator().manual_seed(10))
    drawn(guided(loaded_model, own), steps=1, positive=[[text, {"pooled_output": None}]])
    [(latent, gradient)] = found

    model = tiny_model().model
    kept = {}
    last = model.diffusion_model.output_blocks[CAPTURE.block][-1]
    last.register_forward_hook(lambda module, args, output: kept.update(h=output))
    leaf = latent.requires_grad_(True)
    sigma = model.model_sampling.sigma_max
    model.apply_model(leaf, sigma[None], c_crossattn=text)
    from likeness.models.port.guidance import GuidedStep

    step = GuidedStep(features=kept["h"], size=(SIDE, SIDE), sigma=float(sigma), denoised=latent.detach())
    [pull] = own.pulls(step)
    [expected] = torch.autograd.grad(pull.energy.sum(), leaf)
    expected = expected * pull.mask
    assert expected.abs().max() > 0
    torch.testing.assert_close(gradient, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-4)


def test_a_batch_is_guided_as_its_pictures_are(loaded_model):
    import comfy.sample

    noise = torch.randn(2, 4, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
    masks = torch.cat((half(), half("right")))
    conds = [
        [[torch.randn(1, 7, 24, generator=torch.Generator().manual_seed(seed)), {"pooled_output": None}]]
        for seed in (1, 2)
    ]

    def run(model, noise):
        with torch.inference_mode():
            return comfy.sample.sample(
                model, noise, 2, 4.0, "euler", "normal", *conds, torch.zeros_like(noise), disable_pbar=True
            )

    both = run(guided(loaded_model, guidance(person(0, masks))), noise)
    for row in (0, 1):
        alone = run(guided(loaded_model, guidance(person(0, masks[row : row + 1]))), noise[row : row + 1])
        torch.testing.assert_close(both[row : row + 1], alone, atol=2e-4, rtol=0)


def test_two_people_are_pulled_in_their_own_places(loaded_model, drawn):
    left, right = person(0, half()), person(1, half("right"))
    together = drawn(guided(loaded_model, guidance(left, right, mode="paper_mean", strength=100.0)), steps=1)
    chained = drawn(
        guided(
            loaded_model,
            guidance(left, mode="paper_mean", strength=100.0),
            guidance(right, mode="paper_mean", strength=100.0),
        ),
        steps=1,
    )
    torch.testing.assert_close(together, chained, atol=1e-5, rtol=1e-5)
    alone = drawn(guided(loaded_model, guidance(left, mode="paper_mean", strength=100.0)), steps=1)
    assert torch.equal(together[..., : SIDE // 2 - 1], alone[..., : SIDE // 2 - 1])
    assert not torch.equal(together[..., SIDE // 2 + 1 :], alone[..., SIDE // 2 + 1 :])


@pytest.mark.slow
@pytest.mark.long
def test_every_core_sampler_draws_guided(loaded_model, drawn):
    import comfy.samplers

    model = guided(loaded_model, guidance())
    for name in comfy.samplers.KSampler.SAMPLERS:
        assert torch.isfinite(drawn(model, sampler=name)).all(), name


def test_without_classifier_free_guidance_it_guides_too(loaded_model, drawn):
    plain = drawn(loaded_model, cfg=1.0)
    found = drawn(guided(loaded_model, guidance()), cfg=1.0)
    assert torch.isfinite(found).all()
    assert not torch.equal(found, plain)


def test_a_guider_that_asks_about_each_side_by_itself_is_guided_as_one_that_asks_at_once(loaded_model, conditioning):
    """ComfyUI's Dual Model CFG Guider; the share of the guidance is one of what the negative side is away."""
    import comfy.samplers

    class Apart(comfy.samplers.CFGGuider):
        def predict_noise(self, x, timestep, model_options={}, seed=None):  # noqa: B006 - as ComfyUI's
            positive, negative = (
                comfy.samplers.calc_cond_batch(self.inner_model, [self.conds[side]], x, timestep, model_options)[0]
                for side in ("positive", "negative")
            )
            return negative + (positive - negative) * self.cfg

    found = []
    for kind in (comfy.samplers.CFGGuider, Apart):
        guider = kind(guided(loaded_model, guidance()))
        guider.set_conds(conditioning(1), conditioning(2))
        guider.set_cfg(4.0)
        with torch.inference_mode():
            found.append(run_guider(guider))
    torch.testing.assert_close(*found, atol=1e-4, rtol=1e-4)


def test_velocity_models_are_guided_and_flow_models_refused(loaded_model, drawn):
    from comfy import model_sampling

    velocity = type("Velocity", (model_sampling.ModelSamplingDiscrete, model_sampling.V_PREDICTION), {})
    flow = type("Flow", (model_sampling.ModelSamplingDiscreteFlow, model_sampling.CONST), {})
    with torch.inference_mode():
        turned, flowing = loaded_model.clone(), loaded_model.clone()
        turned.add_object_patch("model_sampling", velocity(loaded_model.model.model_config))
        flowing.add_object_patch("model_sampling", flow(loaded_model.model.model_config))
    assert not torch.equal(drawn(guided(turned, guidance())), drawn(turned))
    with pytest.raises(IncompatibleBaseModelError, match="flow model"):
        guided(flowing, guidance())


def test_a_capture_behind_which_there_is_no_block_is_refused(loaded_model):
    with pytest.raises(IncompatibleBaseModelError, match=r"output block 11, but this UNet has 12"):
        guided(loaded_model, guidance(capture=FeatureCapture(11)))


def state_of(model):
    return {name: (tensor.data_ptr(), tensor.is_inference()) for name, tensor in model.model.named_parameters()}


def test_after_a_run_and_after_an_error_everything_is_as_before(loaded_model, drawn, monkeypatch):
    before, plain = state_of(loaded_model), drawn(loaded_model)
    model = guided(loaded_model, guidance())
    drawn(model)
    assert state_of(loaded_model) == before

    def fails(self, step):
        raise ZeroDivisionError

    monkeypatch.setattr(ReferenceGuidance, "pulls", fails)
    with pytest.raises(ZeroDivisionError):
        drawn(model)
    assert state_of(loaded_model) == before
    assert not [name for name, layer in loaded_model.model.named_modules() if "forward" in vars(layer)]
    assert torch.equal(drawn(loaded_model), plain)


def test_it_works_on_top_of_people_in_the_attention(loaded_model, people, drawn):
    from likeness.host.memory import manage
    from likeness.host.unet.attention import inject

    with torch.inference_mode():
        residual = people(loaded_model)
        weights = [manage(residual.attention), manage(residual.placement.routers)]
        model = inject(loaded_model, [residual], name="people", weights=weights)
    plain = drawn(model, steps=3)
    found = drawn(
        guided(model, guidance(window=SigmaWindow(5.0, 0.0))), steps=3
    )  # a first step without, that fills caches
    assert torch.isfinite(found).all()
    assert not torch.equal(found, plain)


def test_a_gradient_that_is_not_finite_leaves_the_step_alone(loaded_model, drawn, caplog):
    broken = GuidedPerson(name="Ann", features=torch.full((3, CHANNELS), torch.nan), mask=half())
    nowhere = guided(loaded_model, guidance(person(0, torch.zeros(1, SIDE, SIDE))))
    found = drawn(guided(loaded_model, guidance(broken)))
    assert torch.equal(found, drawn(nowhere))
    assert "not finite" in caplog.text


def test_references_are_read_once_in_a_run_with_the_mean_of_several_noises(
    loaded_model, tiny_model, drawn, monkeypatch
):
    generator = torch.Generator().manual_seed(4)
    latent, face = torch.randn(1, 4, SIDE, SIDE, generator=generator), torch.zeros(SIDE, SIDE)
    face[4:12, 4:12] = 1
    seen = []
    pulls = ReferenceGuidance.pulls
    monkeypatch.setattr(
        ReferenceGuidance, "pulls", lambda self, step: seen.append(self.people[0].features) or pulls(self, step)
    )
    ann = GuidedPerson(name="Ann", mask=half(), references=(ReferencePicture(latent, face),))
    settings = GuidanceSettings(strength=0.5, window=ALWAYS, reference_percent=0.4, seeds=2)
    asked = ReferenceGuidance(people=(ann,), settings=settings, capture=CAPTURE)
    text = torch.randn(1, 7, 24, generator=torch.Generator().manual_seed(10))
    drawn(guided(loaded_model, asked), steps=3, positive=[[text, {"pooled_output": None}]])
    assert len(seen) == 3
    assert all(features is seen[0] for features in seen)

    model = tiny_model().model
    kept = []
    model.diffusion_model.output_blocks[CAPTURE.block][-1].register_forward_hook(
        lambda module, args, output: kept.append(output)
    )
    sigma = torch.tensor([model.model_sampling.percent_to_sigma(0.4)])
    with torch.no_grad():
        for seed in range(2):
            noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(seed))
            model.apply_model(model.process_latent_in(latent) + sigma * noise, sigma, c_crossattn=text)
    expected = face_features(torch.stack(kept).mean(0)[0], face)
    assert len(expected) == 16
    torch.testing.assert_close(seen[0], expected, atol=1e-4, rtol=1e-4)
    assert asked.people[0].features is None
