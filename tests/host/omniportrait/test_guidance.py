"""Reference-Based Guidance as its nodes use it: who is found where, what is kept, and what is refused."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import (
    IncompatibleBaseModelError,
    InvalidSettingError,
    MissingModelFileError,
    MissingRecordingError,
)
from likeness.models.people.person import People
from likeness.tests.host.guiders import guiders, run_guider
from likeness.tests.host.omniportrait.small_guidance import SIDE, Detector, Vae, apply, by_face, by_words, half, people
from likeness.tests.models.omniportrait.small_people import Labels, chain, person

pytestmark = pytest.mark.comfy

CONTEXT = 24


@pytest.fixture
def guided(loaded_model):
    """The MODEL of `apply`, of people with the given masks."""
    return lambda everybody, where=None, **settings: apply(loaded_model, everybody, where, **settings).model


def text(seed=10, tokens=77, **options):
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(1, tokens, CONTEXT, generator=generator), {"pooled_output": None, **options}]]


def named(rows):
    """A prompt whose rows name people by their places."""
    from likeness.host.unet import keys

    return text(**{keys.NAMED_ROWS: tuple(rows.items())})


@pytest.fixture
def pulls(monkeypatch):
    """What every guided evaluation pulled at."""
    from likeness.models.omniportrait.reference_guidance import ReferenceGuidance

    seen = []
    calculate = ReferenceGuidance.pulls

    def watched(self, step):
        found = calculate(self, step)
        seen.append((step, found))
        return found

    monkeypatch.setattr(ReferenceGuidance, "pulls", watched)
    return seen


def test_the_attention_that_is_read_is_that_of_the_layers(loaded_model, guided, drawn, pulls):
    from likeness.host.unet.sites import find_sites, unet_of

    kept = {}
    unet = unet_of(loaded_model)
    for site in find_sites(unet):
        if (site.block[0] == "output" and site.block[1] >= 9) or (site.block[0] == "input" and site.block[1] <= 2):
            layer = unet.get_submodule(site.path)
            for part in ("to_q", "to_k"):
                getattr(layer, part).register_forward_hook(
                    lambda module, args, output, key=(site, part): kept.setdefault(key, []).append(output.detach())
                )
    drawn(guided(people(None), by_words()), steps=1, positive=named({0: 5}), cfg=1.0)
    [(step, _)] = pulls

    def whole(site):
        # the first call read the reference, the second is ours, the last the layer's own
        heads = unet.get_submodule(site.path).heads
        query, key = (kept[site, part][-1].unflatten(-1, (heads, -1)).transpose(1, 2) for part in ("to_q", "to_k"))
        return (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1).mean(1)

    sites = {site for site, _ in kept}
    cross = [whole(site)[..., 5] for site in sites if site.kind == "cross"]
    assert len(cross) == 5
    column = torch.stack(cross).mean(0).unflatten(1, (SIDE, SIDE))
    torch.testing.assert_close(step.attention.columns[0], column, atol=1e-5, rtol=1e-4)
    values = torch.rand(1, SIDE * SIDE)
    own = torch.stack(
        [
            (whole(site) @ values[..., None])[..., 0]
            for site in sites
            if site.kind == "self" and site.block[0] == "output"
        ]
    )
    torch.testing.assert_close(step.attention.spread(values), own.mean(0), atol=1e-5, rtol=1e-4)


def test_a_prompt_that_names_nobody_is_refused_with_the_way_out(guided, drawn):
    with pytest.raises(InvalidSettingError, match='stands for "Ann"; write @id1'):
        drawn(guided(people(None), by_words()), positive=text())


def test_people_are_found_by_faces_in_the_decoded_preview(loaded_model, guided, drawn, pulls):
    vae = Vae()
    drawn(guided(people(None, None), by_face(Detector, vae=vae), vae=vae), steps=7)
    assert len(pulls) == 7
    assert len(vae.decoded) == 2
    ann, ben = pulls[0][1]
    assert ann.mask[0, 0, 7, 3] == 1
    assert ann.mask[0, 0, :, 8:].max() == 0
    assert ben.mask[0, 0, 7, 10] == 1
    expected = loaded_model.model.process_latent_out(
        pulls[0][0].denoised * loaded_model.model.latent_format.scale_factor
    )
    torch.testing.assert_close(vae.decoded[0], expected)


def test_every_second_step_shares_its_gradient_with_the_next(guided, drawn, pulls):
    each = drawn(guided(people(half())), steps=4)
    assert len(pulls) == 4
    shared = drawn(guided(people(half()), every=2), steps=4)
    assert len(pulls) == 6
    assert torch.isfinite(shared).all()
    assert not torch.equal(shared, each)
    assert [step.sigma for step, _ in pulls[4:]] == [step.sigma for step, _ in pulls[:4:2]]


def test_the_next_noise_level_is_the_next_lower_one_of_the_run():
    from likeness.host.guidance.step import levels_of

    options = {"sample_sigmas": torch.tensor([4.0, 2.0, 1.0, 0.0])}
    assert [levels_of(sigma, options).following for sigma in (4.0, 3.0, 2.0, 1.0)] == [2.0, 2.0, 1.0, 0.0]
    assert levels_of(4.0, {}).following == 0


def test_moving_the_picture_alone_carries_further(guided, drawn):
    plain = drawn(guided(people(half()), strength=1e-9), steps=4)
    eps, x0 = (drawn(guided(people(half()), step_mode=mode), steps=4) for mode in ("eps", "x0_only"))
    assert (x0 - plain).norm() > 1.02 * (eps - plain).norm()


def test_where_memory_is_short_the_same_gradient_takes_less(loaded_model, guided, drawn, monkeypatch):
    from comfy import model_management
    from likeness.host.guidance import step as guided_step

    found = {}
    calculate = guided_step.gradient_of
    for free in (1e12, 0.0):
        gradients, kept = [], []

        def watched(pulls, leaf, scale, gradients=gradients):
            gradients.append(calculate(pulls, leaf, scale))
            return gradients[-1]

        def pack(tensor, kept=kept):
            kept.append((tensor.untyped_storage().data_ptr(), tensor.untyped_storage().nbytes()))
            return tensor

        monkeypatch.setattr(guided_step, "gradient_of", watched)
        # asked for two numbers it is the attention that wants to know
        monkeypatch.setattr(
            model_management, "get_free_memory", lambda *args, free=free: (1e12, 1e12) if len(args) > 1 else free
        )
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            drawn(guided(people(half())), steps=1)
        found[free] = gradients[0], sum(dict(kept).values())
    torch.testing.assert_close(found[0.0][0], found[1e12][0], atol=1e-6 * float(found[1e12][0].abs().max()), rtol=1e-5)
    assert found[0.0][0].abs().max() > 0


def test_memory_is_asked_for_beforehand(loaded_model, guided, drawn, monkeypatch):
    from comfy import model_management

    asked = []
    load = model_management.load_models_gpu

    def watched(models, memory_required=0, **others):
        asked.append(memory_required)
        return load(models, memory_required=memory_required, **others)

    monkeypatch.setattr(model_management, "load_models_gpu", watched)
    drawn(loaded_model, steps=1)
    drawn(guided(people(half())), steps=1)
    plain, more = asked[0], asked[-1]
    assert more > plain > 0


@pytest.fixture
def reads(monkeypatch):
    """Every reading of a reference."""
    from likeness.host.guidance import reference_features

    found, read = [], reference_features.ReferenceReader.__call__
    monkeypatch.setattr(
        reference_features.ReferenceReader, "__call__", lambda self, *args: found.append(args) or read(self, *args)
    )
    return found


def test_references_are_read_again_only_if_something_changed(guided, drawn, reads):
    ann, ben = person("Ann", seed=30, mask=half()), person("Ben", seed=31, mask=half("right"))
    model = guided(chain(ann, ben), seeds=2)
    drawn(model)
    assert len(reads) == 4
    drawn(model, seed=5)
    drawn(guided(chain(ann, ben), seeds=2, strength=0.3, every=2))
    other = person("Zoe", seed=30, mask=half("right"), strength=0.5)
    drawn(guided(chain(person("Ben", seed=31, mask=half()), other), seeds=2))
    assert len(reads) == 4
    drawn(model, positive=text(seed=12, tokens=7))
    assert len(reads) == 8
    drawn(guided(chain(ann), seeds=2, reference_percent=0.5))
    assert len(reads) == 10


def test_what_was_read_is_forgotten_with_the_model(tiny_model, sample, reads):
    import gc
    import weakref

    class Other:
        """Something that changes the model."""

        def __call__(self, n, context, value, extra):
            return n, context, value

    patch = Other()
    with torch.inference_mode():
        model = tiny_model()
        model.set_model_attn2_patch(patch)
    with torch.inference_mode():
        sample(apply(model, people(half())).model)
    alive = weakref.ref(patch)
    del patch, model
    gc.collect()
    assert reads
    assert alive() is None


def test_a_run_is_recorded_under_its_latent(guided, drawn, loaded_model):
    from likeness.host.sampling.runs import find_guidance_history
    from likeness.models.records.similarity_curves import draw_curves, mask_images

    model = guided(people(half(), half("right")))
    latent = drawn(model, steps=3, batch=2)
    history = find_guidance_history(model, latent)
    assert history.names == ("Ann", "Ben")
    assert len(history.curve("Ann")) == len(history.corrections) == 3
    assert all(0 < value <= 1 for _, value in history.curve("Ben"))
    assert history.corrections[0].share == pytest.approx(0.5, rel=1e-3)
    assert mask_images(history).shape == (4, 8 * SIDE, 8 * SIDE)
    assert draw_curves(history).shape[2:] == (768, 3)
    with pytest.raises(MissingRecordingError, match="No guidance was recorded"):
        find_guidance_history(model, latent + 1)
    with pytest.raises(MissingRecordingError, match="Nobody is pulled"):
        find_guidance_history(loaded_model, latent)


def test_wrong_empty_and_whole_frame_masks(guided, drawn, loaded_model):
    plain = drawn(loaded_model)
    nobody = drawn(guided(people(torch.zeros(1, 3, 5))))
    torch.testing.assert_close(nobody, plain, atol=1e-3, rtol=0)
    whole = drawn(guided(people(torch.ones(1, 1, 1))))
    assert torch.isfinite(whole).all()
    assert (whole - nobody).abs().amin((0, 1)).max() > 0


def test_what_cannot_be_guided_is_said_beforehand(guided):
    def missing():
        raise MissingModelFileError("no detector")

    with pytest.raises(IncompatibleBaseModelError, match="latents of 16 channels, this model has 4; connect the VAE"):
        guided(people(half()), vae=Vae(16))
    with pytest.raises(InvalidSettingError, match="every_k is 0"):
        guided(people(half()), every=0)
    with pytest.raises(InvalidSettingError, match="reference_size is 100"):
        guided(people(half()), size=100)
    with pytest.raises(MissingModelFileError, match="no detector"):
        guided(people(None), by_face(missing))
    guided(people(half()), by_face(missing))  # nobody is looked for


@pytest.mark.parametrize(
    ("everybody", "settings", "states"),
    [
        (People(), {}, []),
        (people(half()), {"strength": 0.0}, ["not pulled: strength 0 or empty window"]),
        (people(half()), {"start_percent": 0.6, "end_percent": 0.5}, ["not pulled: strength 0 or empty window"]),
        (people(half()), {"start_percent": 0.5, "end_percent": 0.5}, ["not pulled: strength 0 or empty window"]),
        (people(half(), strength=0.0), {}, ["off: strength 0 or empty window"]),
        (chain(person(left_out=True)), {}, ["left out: no face found"]),
    ],
)
def test_where_nobody_is_pulled_the_model_itself_is_given(loaded_model, everybody, settings, states):
    applied = apply(loaded_model, everybody, **settings)
    assert applied.model is loaded_model
    assert not applied.is_applied
    assert [line.state for line in applied.lines] == states
    assert not any(line.is_in for line in applied.lines)


def test_those_who_are_off_keep_number_and_place(loaded_model, drawn, pulls):
    everybody = chain(person("Ann", strength=0.0), person("Ben", seed=1), person("Cat", left_out=True))
    applied = apply(loaded_model, everybody, by_words())
    assert [(line.person.name, line.is_in, line.state) for line in applied.lines] == [
        ("Ann", False, "off: strength 0 or empty window"),
        ("Ben", True, "at their words"),
        ("Cat", False, "left out: no face found"),
    ]
    drawn(applied.model, positive=named({1: 5}), steps=1)
    [(_, found)] = pulls
    assert [pull.name for pull in found] == ["Ben"]
    with pytest.raises(InvalidSettingError, match='stands for "Ben"; write @id2'):
        drawn(applied.model, positive=named({0: 5}), steps=1)


def test_a_person_is_pulled_by_their_own_strength_and_in_their_own_window(loaded_model, drawn):
    whole = drawn(apply(loaded_model, people(half()), strength=0.25).model)
    assert torch.equal(drawn(apply(loaded_model, people(half(), strength=0.5), strength=0.5).model), whole)
    late = apply(loaded_model, people(half(), start=0.3, end=0.6)).model
    assert torch.equal(drawn(late), drawn(loaded_model))


def test_photos_are_encoded_once_at_the_size_of_the_models_pictures(loaded_model):
    vae = Vae(seed=5)
    ann = person("Ann", seed=40, mask=half())
    for strength in (0.5, 0.3):
        apply(loaded_model, chain(ann), vae=vae, strength=strength)
        apply(loaded_model, chain(person("Zoe", seed=40, strength=0.7, mask=half("right")), ann), vae=vae)
    assert [each.shape for each in vae.encoded] == [(1, 128, 128, 3)]
    apply(loaded_model, chain(ann), vae=vae, size=64)
    assert vae.encoded[-1].shape == (1, 64, 64, 3)


def test_a_parser_outlines_the_references(guided, drawn, monkeypatch):
    import numpy as np
    from likeness.models.face.region_masks import TRUE_NAMES
    from likeness.models.omniportrait.reference_guidance import ReferenceGuidance

    counts, calculate = [], ReferenceGuidance.pulls
    monkeypatch.setattr(
        ReferenceGuidance,
        "pulls",
        lambda self, step: counts.append(len(self.people[0].features)) or calculate(self, step),
    )
    everything = Labels(np.full((512, 512), TRUE_NAMES.index("skin"), np.uint8))
    for parser in (everything, None):
        drawn(guided(people(half()), parser=parser), steps=1)
    assert counts[0] == 64  # all positions of the reference's features
    assert 0 < counts[1] < 32


def test_layers_without_a_gradient_are_refused(loaded_model, guided):
    class Quantised(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.packed = torch.nn.Parameter(torch.zeros(4, dtype=torch.uint8), requires_grad=False)

    loaded_model.model.diffusion_model.out[2] = Quantised()
    with pytest.raises(IncompatibleBaseModelError, match=r"out\.2 of this model is a Quantised.*no GGUF or TensorRT"):
        guided(people(half()))


def test_packed_weights_inside_ordinary_layers_are_refused(loaded_model, guided):
    """As ComfyUI-GGUF keeps them: a Linear whose weight is a tensor with a type of its own."""
    from likeness.host.unet.sites import find_sites, unet_of

    class Packed(torch.Tensor):
        tensor_type = "Q4_K"

    unet = unet_of(loaded_model)
    layer = unet.get_submodule(find_sites(unet)[0].path).to_q
    layer.weight = torch.nn.Parameter(layer.weight.detach().as_subclass(Packed), requires_grad=False)
    with pytest.raises(IncompatibleBaseModelError, match=r"to_q of this model is a Linear.*no GGUF or TensorRT"):
        guided(people(half()))


def test_an_engine_in_place_of_the_network_is_refused(loaded_model, guided):
    class TrTUnet:
        dtype = torch.float16

    del loaded_model.model.diffusion_model
    loaded_model.model.diffusion_model = TrTUnet()
    with pytest.raises(IncompatibleBaseModelError, match=r"is a TrTUnet.*no TensorRT engine"):
        guided(people(half()))


@pytest.mark.parametrize("name", ["cfg", "no cfg", "basic", "dual", "perp"])
def test_every_guider_is_guided(loaded_model, guided, conditioning, pulls, name):
    with torch.inference_mode():
        plain = run_guider(guiders(loaded_model, conditioning)[name][0])
        found = run_guider(guiders(guided(people(half())), conditioning)[name][0])
    assert len(pulls) == 2
    assert torch.isfinite(found).all()
    assert not torch.equal(found, plain)


def test_a_control_net_goes_on_as_it_was_and_inpainting_keeps_the_rest(loaded_model, guided, drawn):
    import comfy.sample
    from comfy.controlnet import ControlBase

    class Control(ControlBase):
        def __init__(self):
            super().__init__()
            self.graphs = []

        def get_control(self, x, *others):
            self.graphs.append(x.requires_grad)
            return {"middle": [torch.full((len(x), 128, 2, 2), 0.3)], "output": []}

    control = Control()
    model = guided(people(half()))
    steered = drawn(model, positive=text(control=control), negative=text(11, control=control))
    assert control.graphs
    assert not any(control.graphs)
    assert not torch.equal(steered, drawn(model, positive=text(), negative=text(11)))
    start = torch.randn(1, 4, SIDE, SIDE, generator=torch.Generator().manual_seed(8))
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., : SIDE // 2] = 1
    with torch.inference_mode():
        noise = torch.randn(start.shape, generator=torch.Generator().manual_seed(9))
        options = {"denoise": 0.6, "noise_mask": mask, "disable_pbar": True, "seed": 1}
        painted = comfy.sample.sample(model, noise, 4, 4.0, "euler", "normal", text(), text(11), start, **options)
    torch.testing.assert_close(painted[..., SIDE // 2 :], start[..., SIDE // 2 :], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(painted[..., : SIDE // 2], start[..., : SIDE // 2])


def test_it_works_beside_perturbed_and_self_attention_guidance(loaded_model, guided, drawn):
    from comfy_extras.nodes_pag import PerturbedAttentionGuidance
    from comfy_extras.nodes_sag import SelfAttentionGuidance

    def patched(node, model, **settings):
        with torch.inference_mode():
            if hasattr(node, "execute"):
                return node.execute(model, **settings).args[0]
            return node().patch(model, **settings)[0]

    def both(model):
        return patched(
            SelfAttentionGuidance, patched(PerturbedAttentionGuidance, model, scale=3.0), scale=0.5, blur_sigma=2.0
        )

    plain = drawn(both(loaded_model))
    found = drawn(both(guided(people(half()))))
    assert torch.isfinite(found).all()
    assert not torch.equal(found, plain)


def test_cancelling_inside_a_step_leaves_nothing_behind(loaded_model, guided, drawn, monkeypatch):
    from comfy import model_management

    plain, model = drawn(loaded_model), guided(people(half()))
    before = {name: (each.data_ptr(), each.is_inference()) for name, each in loaded_model.model.named_parameters()}
    drawn(model)
    from likeness.host.guidance import step as guided_step

    def cancelled(*args):
        model_management.interrupt_current_processing()
        return calculate(*args)

    calculate = guided_step.gradient_of
    monkeypatch.setattr(guided_step, "gradient_of", cancelled)
    with pytest.raises(model_management.InterruptProcessingException):
        drawn(model)
    monkeypatch.undo()
    after = {name: (each.data_ptr(), each.is_inference()) for name, each in loaded_model.model.named_parameters()}
    assert after == before
    assert torch.equal(drawn(loaded_model), plain)


def test_queued_three_times_it_gives_the_same(guided, drawn):
    model = guided(people(half()))
    first = drawn(model)
    assert torch.equal(drawn(model), first)
    assert torch.equal(drawn(model), first)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_are_guided(tiny_model, sample, dtype):
    with torch.inference_mode():
        model = tiny_model()
        model.model.diffusion_model.to(dtype)
        model.model.diffusion_model.dtype = dtype
        model.model.manual_cast_dtype = None
        applied = apply(model, people(half()))
        assert applied.is_applied
        plain, moved = sample(model), sample(applied.model)
    assert torch.isfinite(moved).all()
    assert not torch.equal(moved, plain)


@pytest.mark.parametrize("detail", ["coarse", "fine"])
def test_the_layers_of_sdxl_are_guided_at_both_captures(tiny_model, sample, detail):
    with torch.inference_mode():
        model = tiny_model("sdxl")
        applied = apply(model, people(half()), detail=detail)
        assert applied.is_applied
        plain, moved = sample(model), sample(applied.model)
    assert torch.isfinite(moved).all()
    assert not torch.equal(moved, plain)
