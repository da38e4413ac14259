"""What residuals are told about a run: polarity under every guider, crops, batches, recordings."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

import pytest
import torch
from likeness.tests.host.guiders import guiders, run_guider

pytestmark = pytest.mark.comfy
pytestmark = pytest.mark.comfy


class Spy:
    """A residual that adds nothing and notes what it was told at one site."""

    def __init__(self):
        self.seen = []

    def wants(self, site):
        return site.index == 1

    def __call__(self, site, call):
        self.seen.append(call)
        return None

    def polarities(self):
        return {call.polarity.name for call in self.seen}


@pytest.fixture
def spied(tiny_model):
    from likeness.host.unet.attention import inject

    spy = Spy()
    return inject(tiny_model(), [spy], name="spy"), spy


@pytest.mark.parametrize("name", ["cfg", "no cfg", "basic", "dual", "perp"])
def test_polarity_under_every_guider(spied, conditioning, name):
    model, spy = spied
    guider, expected = guiders(model, conditioning)[name]
    run_guider(guider)
    assert spy.polarities() == expected


def test_dual_model_guider(spied, conditioning):
    from comfy_extras import nodes_custom_sampler

    if not hasattr(nodes_custom_sampler, "Guider_DualModel"):
        pytest.skip("this ComfyUI has no DualModelGuider")
    model, spy = spied
    guider = nodes_custom_sampler.Guider_DualModel(model, model)
    guider.set_conds(conditioning(1), conditioning(3))
    guider.set_cfg(4.0)
    run_guider(guider)
    assert [call.polarity.name for call in spy.seen] == ["POSITIVE", "NEGATIVE"] * 2


@pytest.mark.parametrize("node", ["SelfAttentionGuidance", "PerturbedAttentionGuidance"])
def test_nested_passes_keep_their_polarity(spied, conditioning, node, sample):
    """SAG runs the negative prompt alone, PAG the positive one."""
    import comfy_extras.nodes_pag
    import comfy_extras.nodes_sag

    model, spy = spied
    if node == "SelfAttentionGuidance":
        cls = comfy_extras.nodes_sag.SelfAttentionGuidance
        patch = cls.execute if hasattr(cls, "execute") else cls().patch
        patched, extra = patch(model, 0.5, 2.0), "NEGATIVE"
    else:
        cls = comfy_extras.nodes_pag.PerturbedAttentionGuidance
        patch = cls.execute if hasattr(cls, "execute") else cls().patch
        patched, extra = patch(model, 3.0), "POSITIVE"
    patched = patched.args[0] if hasattr(patched, "args") else patched[0]
    sample(patched, steps=1, size=(16, 16))
    seen = [call.polarity.name for call in spy.seen]
    assert sorted(seen) == sorted(["POSITIVE", "NEGATIVE", extra])


def test_chunks_that_run_alone(spied, conditioning, monkeypatch, sample):
    model, spy = spied
    whole = sample(model)
    assert [call.hidden.shape[0] for call in spy.seen] == [1, 1] * 2
    spy.seen.clear()
    monkeypatch.setattr(model.model, "memory_required", lambda *args, **kwargs: 1e30)
    torch.testing.assert_close(sample(model), whole, atol=1e-4, rtol=1e-4)
    assert sorted(call.polarity.name for call in spy.seen) == ["NEGATIVE"] * 2 + ["POSITIVE"] * 2


def test_rows_of_a_batch_know_their_picture(spied, sample):
    model, spy = spied
    sample(model, batch=3)
    assert {call.samples for call in spy.seen} == {(0, 1, 2)}


def test_many_conds_with_areas_know_their_crop(spied, conditioning, sample):
    from likeness.models.port.attention import Crop

    model, spy = spied
    left = conditioning(1, area=(16, 8, 0, 0))
    right = conditioning(2, area=(16, 8, 0, 8))
    sample(model, positive=left + right)
    crops = {call.crop for call in spy.seen if call.polarity.name == "POSITIVE"}
    assert crops == {Crop(0, 0, 16, 8, 16, 16), Crop(0, 8, 16, 8, 16, 16)}
    assert {call.grid for call in spy.seen if call.crop} == {(16, 8)}


def test_an_unknown_cond_counts_as_positive_with_one_warning(tiny_model, caplog):
    from likeness.host.unet.attention import inject

    spy = Spy()
    model = inject(tiny_model(), [spy], name="spy")
    options = {
        **model.model_options["transformer_options"],
        "wrappers": model.wrappers,
        "uuids": ["nobody knows me", "nor me"],
        "cond_or_uncond": [0, 1],
        "sigmas": torch.tensor([1.0]),
    }
    unet = model.model.diffusion_model
    unet(torch.randn(2, 4, 16, 16), torch.tensor([500.0, 500.0]), torch.randn(2, 7, 24), transformer_options=options)
    assert [call.polarity.name for call in spy.seen] == ["POSITIVE"]
    assert caplog.text.count("is treated as positive") == 1


@pytest.mark.long
def test_every_core_sampler_runs(tiny_model, people, sample, caplog):
    import comfy.samplers
    from likeness.host.unet.attention import inject

    model = tiny_model()
    patched = inject(model, [people(model)], name="test")
    failed = []
    for sampler in comfy.samplers.SAMPLER_NAMES:
        caplog.clear()
        with caplog.at_level("INFO"):
            latent = sample(patched, sampler=sampler, steps=3, size=(8, 8))
        if not latent.isfinite().all() or "16/16 sites active" not in caplog.text:
            failed.append(sampler)
    assert failed == []


def test_img2img_and_inpainting(tiny_model, people):
    import comfy.sample
    from likeness.host.unet.attention import inject

    model = tiny_model()
    generator = torch.Generator().manual_seed(2)
    start, noise = torch.randn(2, 1, 4, 16, 16, generator=generator)
    text = [[torch.randn(1, 7, 24, generator=generator), {"pooled_output": None}]]
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 8:] = 1
    arguments = (noise, 4, 3.0, "euler", "normal", text, text, start)
    kept = {"denoise": 0.5, "noise_mask": mask, "disable_pbar": True, "seed": 1}
    plain = comfy.sample.sample(model, *arguments, **kept)
    changed = comfy.sample.sample(inject(model, [people(model)], name="test"), *arguments, **kept)
    torch.testing.assert_close(changed[..., :8], start[..., :8], atol=1e-4, rtol=1e-4)
    assert not torch.equal(changed[..., 8:], plain[..., 8:])


def test_the_record_is_filed_under_the_finished_latent(tiny_model, people, sample):
    from likeness.host.sampling.runs import find_placement_maps
    from likeness.host.unet.attention import inject
    from likeness.models.errors import MissingRecordingError

    model = tiny_model()
    patched = inject(model, [people(model, 2)], name="test")
    first = sample(patched, seed=1, size=(16, 24), batch=2)
    second = sample(patched.clone(), seed=2)
    maps = find_placement_maps(patched, first)
    assert maps.names == ("person 1", "person 2")
    assert maps.maps.shape == (2, 2, 16, 24)
    torch.testing.assert_close(maps.maps.sum(1), torch.ones(2, 16, 24))
    assert find_placement_maps(patched, second).maps.shape == (1, 2, 16, 16)
    assert sum(maps.shares[0].values()) == pytest.approx(1)
    with pytest.raises(MissingRecordingError, match="remembers 2 of its last 8 runs"):
        find_placement_maps(patched, first + 1)
    with pytest.raises(MissingRecordingError, match="connect the MODEL output of Apply UniPortrait"):
        find_placement_maps(model, first)
    for seed in range(3, 11):
        sample(patched, seed=seed)
    with pytest.raises(MissingRecordingError):
        find_placement_maps(patched, first)


def test_a_graph_without_a_routing_map_records_nothing(tiny_model, people, sample, monkeypatch):
    import likeness.host.sampling.runs as sampling
    from likeness.host.unet.attention import inject
    from likeness.models.errors import MissingRecordingError

    model = tiny_model()
    patched = inject(model, [people(model, 2)], name="test")
    monkeypatch.setattr(sampling, "is_queued", lambda node: False)
    latent = sample(patched)
    with pytest.raises(MissingRecordingError, match="change the seed and queue again"):
        sampling.find_placement_maps(patched, latent)


def test_windows_switch_by_noise_level(tiny_model, people, sample):
    from likeness.host.sampling.runs import sigma_window
    from likeness.host.unet.attention import inject

    model = tiny_model()
    assert sigma_window(model, 0.0, 1.0).contains(14.6)
    plain, whole = sample(model), sample(inject(model, [people(model, 1)], name="test"))
    assert not torch.equal(plain, whole)
    half = inject(model, [people(model, 1, windows=[sigma_window(model, 0.5, 1.0)])], name="test")
    assert not torch.equal(sample(half), plain)
    assert not torch.equal(sample(half), whole)


def is_queued(node):
    from likeness.host.sampling.runs import is_queued

    return is_queued(node)


def serve(monkeypatch, *prompts):
    """A server that runs some prompts, as ComfyUI's queue keeps them: (number, id, prompt, extra, outputs)."""
    running = {number: (number, str(number), prompt, {}, []) for number, prompt in enumerate(prompts)}
    queue = SimpleNamespace(mutex=threading.RLock(), currently_running=running)
    instance = SimpleNamespace(prompt_queue=queue)
    monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=SimpleNamespace(instance=instance)))
    return instance


def test_a_node_of_any_running_prompt_is_found(monkeypatch):
    serve(monkeypatch, {"1": {"class_type": "KSampler"}}, {"7": {"class_type": "LikenessShowRoutingMap"}, "8": {}})
    assert is_queued("LikenessShowRoutingMap")
    assert is_queued("KSampler")
    assert not is_queued("LikenessShowGuidance")


def test_where_nothing_runs_nothing_is_queued(monkeypatch):
    serve(monkeypatch)
    assert not is_queued("KSampler")


@pytest.mark.parametrize("missing", ["module", "instance", "queue"])
def test_without_a_server_nothing_is_known_so_the_answer_is_yes(monkeypatch, missing):
    if missing == "module":
        monkeypatch.delitem(sys.modules, "server", raising=False)
    elif missing == "instance":
        monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=type("PromptServer", (), {})))
    else:
        serve(monkeypatch).prompt_queue = None
    assert is_queued("KSampler")
    assert missing != "module" or "server" not in sys.modules  # asking must not set one up
