"""Delayed merging: which prompt acts at which step, under every kind of sampler."""

import pytest
import torch

pytestmark = pytest.mark.comfy

TEXT, MERGED, NEGATIVE, OTHER = 1.0, 2.0, 3.0, 4.0
STEPS = 5


def constant(value):
    return [[torch.full((1, 7, 24), value), {"pooled_output": None}]]


@pytest.fixture
def watched(tiny_model):
    """A MODEL with our wrappers whose UNet calls are noted as (noise level, prompts), and one without them."""
    from likeness.host.unet.attention import inject

    calls = []

    class Nothing:
        def wants(self, site):
            return True

        def __call__(self, site, call):
            return None

    def note(function, arguments):
        rows = arguments["c"]["c_crossattn"][:, 0, 0].tolist()
        calls.append((float(arguments["timestep"][0]), tuple(sorted(set(rows)))))
        return torch.zeros_like(arguments["input"])

    def build(*, ours=True):
        model = tiny_model()
        patched = inject(model, [Nothing()], name="test") if ours else model.clone()
        patched.set_model_unet_function_wrapper(note)
        return patched

    return build, calls


def run(model, positive, *, sampler="euler", cfg=4.0, denoise=1.0):
    """Noise levels of the run."""
    import comfy.sample
    from comfy.samplers import KSampler

    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    ksampler = KSampler(model, steps=STEPS, device="cpu", sampler=sampler, scheduler="normal", denoise=denoise)
    comfy.sample.sample(
        model, noise, STEPS, cfg, sampler, "normal", positive, constant(NEGATIVE), torch.zeros_like(noise),
        denoise=denoise, disable_pbar=True, seed=1,
    )  # fmt: skip
    return ksampler.sigmas.tolist()


def by_step(calls, sigmas):
    """What the positive side read at every step; a noise level between two belongs to the step that it lies in."""
    seen = {}
    for sigma, prompts in calls:
        step = max(i for i, level in enumerate(sigmas) if level >= sigma * (1 - 1e-4))
        seen.setdefault(step, set()).update(set(prompts) - {NEGATIVE})
    return {step: sorted(prompts) for step, prompts in sorted(seen.items())}


def phased(step=None, percent=0.0, *, inclusive=True):
    from likeness.host.sampling.delayed_conditioning import MergePoint, join_phases

    return join_phases(constant(TEXT), constant(MERGED), MergePoint(percent=percent, step=step, inclusive=inclusive))


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("step", range(-1, STEPS + 2))
def test_merging_after_a_step(watched, step, inclusive):
    build, calls = watched
    sigmas = run(build(), phased(step, inclusive=inclusive))
    expected = {i: [TEXT] if (i <= step if inclusive else i < step) else [MERGED] for i in range(STEPS)}
    assert by_step(calls, sigmas) == expected


@pytest.mark.parametrize(
    "sampler", ["euler", "heun", "dpm_2", "dpmpp_sde", "ddim", "dpmpp_2m", "lcm", "euler_ancestral", "uni_pc"]
)
def test_samplers_with_several_evaluations_stay_in_their_phase(watched, sampler):
    """Evaluations at the level of a later step already read that step's prompt; no call reads both."""
    build, calls = watched
    sigmas = run(build(), phased(2), sampler=sampler)
    assert len(calls) >= STEPS
    for sigma, prompts in calls:
        assert set(prompts) - {NEGATIVE} == {TEXT if sigma > sigmas[3] * 1.0001 else MERGED}, sigma
    seen = by_step(calls, sigmas)
    assert seen[0] == [TEXT]
    assert seen[STEPS - 1] == [MERGED]


def test_steps_are_counted_in_the_run_that_happens(watched):
    """Image to image with less noise: step 0 is the first that is sampled."""
    build, calls = watched
    sigmas = run(build(), phased(1), denoise=0.5)
    assert sigmas[0] < 10
    assert by_step(calls, sigmas) == {0: [TEXT], 1: [TEXT], 2: [MERGED], 3: [MERGED], 4: [MERGED]}


def test_the_same_conditioning_serves_runs_of_different_length(watched):
    """Noise levels are set on the run's copies, never on the CONDITIONING itself."""
    build, calls = watched
    positive = phased(1)
    run(build(), positive, denoise=0.5)
    calls.clear()
    sigmas = run(build(), positive)
    assert by_step(calls, sigmas) == {0: [TEXT], 1: [TEXT], 2: [MERGED], 3: [MERGED], 4: [MERGED]}
    assert all("timestep_end" not in options and "timestep_start" not in options for _, options in positive)


def test_a_model_without_our_wrappers_reads_the_merged_prompt_alone(watched):
    build, calls = watched
    sigmas = run(build(ours=False), phased(2))
    assert by_step(calls, sigmas) == {step: [MERGED] for step in range(STEPS)}


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("percent", [0.3, 0.6, 0.999])
def test_merging_by_percent_needs_no_wrapper(watched, ours, percent):
    build, calls = watched
    model = build(ours=ours)
    level = float(model.get_model_object("model_sampling").percent_to_sigma(percent))
    sigmas = run(model, phased(percent=percent))
    assert by_step(calls, sigmas) == {i: [TEXT] if sigmas[i] > level else [MERGED] for i in range(STEPS)}


def test_a_step_right_at_the_percent_reads_one_prompt(watched):
    """ComfyUI's own start and end include their boundary, so both would be read there."""
    build, calls = watched
    model = build()
    sigmas = run(model, phased(percent=0.5))
    assert sigmas[2] == pytest.approx(float(model.get_model_object("model_sampling").percent_to_sigma(0.5)))
    assert by_step(calls, sigmas) == {i: [TEXT] if i < 2 else [MERGED] for i in range(STEPS)}


@pytest.mark.parametrize("point", [{"step": 1}, {"percent": 0.5}])
def test_a_range_that_a_later_node_sets_is_kept(watched, point):
    """ConditioningSetTimestepRange writes start and end into every entry, over ours."""
    build, calls = watched
    limited = [[tensor, {**options, "start_percent": 0.2, "end_percent": 0.8}] for tensor, options in phased(**point)]
    sigmas = run(build(), limited + constant(OTHER))
    assert by_step(calls, sigmas) == {0: [OTHER], 1: [TEXT, OTHER], 2: [MERGED, OTHER], 3: [MERGED, OTHER], 4: [OTHER]}


def test_merging_at_once_gives_the_merged_prompt_as_it_is():
    from likeness.host.sampling.delayed_conditioning import MergePoint, join_phases

    merged = constant(MERGED)
    for point in (MergePoint(), MergePoint(percent=0.5, step=-1), MergePoint(step=0, inclusive=False)):
        assert point.at_once
        assert join_phases(constant(TEXT), merged, point) is merged
    assert not MergePoint(step=0).at_once
    assert not MergePoint(percent=0.001).at_once


def test_a_percent_out_of_range_is_refused():
    from likeness.host.sampling.delayed_conditioning import MergePoint
    from likeness.models.errors import InvalidSettingError

    with pytest.raises(InvalidSettingError, match=r"start_percent is 1\.5"):
        MergePoint(percent=1.5)


def test_without_guidance_the_negative_is_not_read(watched):
    build, calls = watched
    sigmas = run(build(), phased(1), cfg=1.0)
    assert all(NEGATIVE not in prompts for _, prompts in calls)
    assert by_step(calls, sigmas) == {0: [TEXT], 1: [TEXT], 2: [MERGED], 3: [MERGED], 4: [MERGED]}


def test_combined_with_another_prompt(watched):
    """Conditioning (Combine): the other prompt acts all the time, ours changes."""
    build, calls = watched
    sigmas = run(build(), phased(1) + constant(OTHER))
    seen = by_step(calls, sigmas)
    assert seen == {i: [TEXT if i <= 1 else MERGED, OTHER] for i in range(STEPS)}


def test_two_delayed_prompts_keep_their_own_points(watched):
    build, calls = watched
    sigmas = run(build(), phased(0) + [[tensor + 4, options] for tensor, options in phased(2)])
    seen = by_step(calls, sigmas)
    assert seen == {i: [TEXT if i <= 0 else MERGED, (TEXT if i <= 2 else MERGED) + 4] for i in range(STEPS)}


@pytest.mark.parametrize("point", [{"step": 2}, {"percent": 0.7}])
def test_with_a_schedule_of_clip_hooks(watched, point):
    """A hooked CLIP gives one entry per part of the schedule; each keeps its part and its phase."""
    from likeness.host.sampling.delayed_conditioning import MergePoint, join_phases

    def scheduled(value):
        parts = ((0.0, 0.4, value), (0.4, 1.0, value + 0.5))
        return [
            [torch.full((1, 7, 24), shade), {"pooled_output": None, "clip_start_percent": a, "clip_end_percent": b}]
            for a, b, shade in parts
        ]

    build, calls = watched
    model = build()
    level = float(model.get_model_object("model_sampling").percent_to_sigma(0.4))
    sigmas = run(model, join_phases(scheduled(TEXT), scheduled(MERGED), MergePoint(**point)))
    expected = {i: [(TEXT if i <= 2 else MERGED) + (0.5 if sigmas[i] < level else 0.0)] for i in range(STEPS)}
    assert by_step(calls, sigmas) == expected


def test_options_are_added_to_a_copy():
    from likeness.host.sampling.delayed_conditioning import with_options

    entries = [[torch.zeros(1, 2, 3), {"pooled_output": None}]]
    added = with_options(entries, {"width": 8})
    assert added[0][1] == {"pooled_output": None, "width": 8}
    assert added[0][0] is entries[0][0]
    assert entries[0][1] == {"pooled_output": None}
