"""People on small cards: --lowvram, --novram, three queues in a row; nothing stays behind, and everything is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.images.layout import images_from_arrays
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.people.encodings import ENCODINGS
from likeness.models.people.person import People
from likeness.tests.host import small_miniature
from likeness.tests.host.small_card import GB, SCALE, devices, loaded_patchers, small_card

pytestmark = pytest.mark.comfy

LARGE, SMALL = 16 * GB, int(2.5 * GB)  # the miniature's UNet is told to be one of 1.8 GB
NORMAL, LOW, NO = "NORMAL_VRAM", "LOW_VRAM", "NO_VRAM"
SHAPE = (1, 4, 8, 8)
ROOM = 1.2 * GB  # that ComfyUI keeps free for what a network computes
PHOTOS = tuple(
    np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8).repeat(8, 0).repeat(8, 1) for seed in (0, 1)
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return small_miniature.write(tmp_path_factory.mktemp("small"))


@pytest.fixture
def card(request):
    """A card of a size and state; nothing is known of any photo."""
    ENCODINGS.clear()
    with small_card(*request.param) as found, torch.inference_mode():
        yield found
    ENCODINGS.clear()


@pytest.fixture
def miniature(card, paths):
    return small_miniature.load(paths)


@pytest.fixture
def people(miniature, paths):
    from likeness.host.people import FaceChoice, make_person

    _, detector = small_miniature.one_face(paths)
    chain = People()
    for photo in PHOTOS:
        chain = chain.add(make_person(images_from_arrays([photo]), FaceChoice(given=detector))[0])
    return chain


def texts(miniature):
    encode, tokens = miniature.clip.encode_from_tokens_scheduled, miniature.clip.tokenize
    return encode(tokens("a man in a red shirt")), encode(tokens(""))


def applied(miniature, people):
    """Two methods by one router."""
    from likeness.host.consistentid.application import apply as apply_consistentid
    from likeness.host.ip_adapter.application import apply as apply_ip_adapter
    from likeness.host.placement import LoadedPlacement
    from likeness.host.uniportrait.adapter import UniPortraitRouter
    from likeness.host.uniportrait.application import apply

    where = LoadedPlacement("router", UniPortraitRouter(miniature.uniportrait, -1.0))
    first = apply(miniature.model, miniature.uniportrait, people, where=where)
    second = apply_consistentid(first.model, miniature.consistentid, people, where=where)
    return apply_ip_adapter(second.model, miniature.ip_adapter, people, where=where).model, texts(miniature)


def guided(miniature, people):
    """Guidance at words, on top of a method."""
    from likeness.host.omniportrait.guidance import ReferenceLook, apply_guidance
    from likeness.host.placement import LoadedPlacement
    from likeness.host.sampling.runs import sigma_window
    from likeness.host.uniportrait.adapter import UniPortraitRouter
    from likeness.host.uniportrait.application import apply

    where = LoadedPlacement("router", UniPortraitRouter(miniature.uniportrait, -1.0))
    first = apply(miniature.model, miniature.uniportrait, people, where=where)
    window = sigma_window(miniature.model, 0.0, 1.0)
    look = ReferenceLook(vae=miniature.vae, parser=None)
    settings = GuidanceSettings(strength=1.0, window=window, reference_percent=0.7)
    return apply_guidance(first.model, people, settings, look=look, where=where).model, texts(miniature)


def taught(miniature, people):
    """Trained FaceStudio: patched weights, and contexts in place of a prompt."""
    from likeness.host.facestudio.method import Asked
    from likeness.host.prior import predict
    from likeness.models.facestudio.style import Space, Style

    found = predict(miniature.clip, miniature.prior, "a man", steps=2)
    space = Space(found.space, found.embedding.shape[1])
    style = Style(embedding=found.embedding, space=space, source="text")
    halves = torch.eye(2)[:, None, None].repeat_interleave(32, -1)
    placed = People(tuple(replace(person, mask=mask) for person, mask in zip(people, halves, strict=True)))
    done = miniature.facestudio.apply(miniature.model, Asked(people=placed, text=style))
    return done.model, (done.positive, done.negative)


def draw(model, prompts):
    import nodes

    [latent] = nodes.KSampler().sample(model, 5, 2, 3.0, "euler", "simple", *prompts, {"samples": torch.zeros(SHAPE)})
    return latent["samples"].clone()


def loaded():
    """What ComfyUI believes to be loaded, and how much of it."""
    return [(type(patcher.model).__name__, patcher.loaded_size()) for patcher in loaded_patchers()]


@pytest.mark.parametrize(
    ("card", "put"),
    [
        pytest.param((LARGE, NORMAL), guided, marks=pytest.mark.long),
        pytest.param((SMALL, NORMAL), guided, marks=pytest.mark.long),
        ((SMALL, LOW), guided),
        pytest.param((SMALL, NO), guided, marks=pytest.mark.long),
        ((SMALL, NORMAL), applied),
        pytest.param((SMALL, NO), applied, marks=pytest.mark.long),
        pytest.param((SMALL, NORMAL), taught, marks=pytest.mark.long),
        ((SMALL, NO), taught),
    ],
    indirect=["card"],
)
def test_three_queues_give_one_picture_and_leave_nothing_behind(card, miniature, people, put):
    from comfy import model_management

    unet = miniature.model.model.diffusion_model
    before = {name: tensor.clone() for name, tensor in unet.state_dict().items()}
    model, prompts = put(miniature, people)
    first = draw(model, prompts)
    was = sorted(loaded()), card.left
    for _ in range(2):
        assert torch.equal(draw(model.clone(), prompts), first)
        assert (sorted(loaded()), card.left) == was
    networks = [id(patcher.model) for patcher in loaded_patchers()]
    assert len(networks) == len(set(networks)), "counted once"
    model_management.unload_all_models()
    assert card.left == 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in unet.state_dict().items())


@pytest.mark.parametrize("card", [(LARGE, NORMAL)], indirect=True)
def test_memory_is_asked_for_the_adapters_and_for_guidance_too(card, miniature, people, monkeypatch):
    from comfy import model_management
    from likeness.host.guidance import memory

    asked = []
    free = model_management.free_memory
    monkeypatch.setattr(
        model_management, "free_memory", lambda size, *args, **kwargs: asked.append(size) or free(size, *args, **kwargs)
    )

    def most(model, prompts):
        model_management.unload_all_models()
        asked.clear()
        draw(model, prompts)
        return max(asked)

    model, prompts = applied(miniature, people)
    loaded = (miniature.uniportrait, miniature.consistentid, miniature.ip_adapter)
    weights = sum(each.attention.model_size() for each in loaded)
    plain = most(miniature.model, prompts)
    assert most(model, prompts) == pytest.approx(plain + 1.1 * weights)
    model, prompts = guided(miniature, people)
    graph = SCALE * memory.graph_bytes(miniature.model.model.diffusion_model, SHAPE[2:], 1, 4, 3, is_saving=True)
    without = most(model, prompts)
    monkeypatch.setattr(memory, "graph_bytes", lambda *_, **__: graph)
    assert graph > 0.3 * GB
    assert most(model, prompts) >= without + graph - ROOM


@pytest.mark.parametrize("card", [(SMALL, NORMAL)], indirect=True)
def test_encoders_leave_when_the_sampler_needs_the_room(card, miniature, people):
    miniature.uniportrait.encode(people.people, 0.3)
    miniature.omniportrait.encode(people.people)
    prompts = texts(miniature)
    assert card.left > 0
    draw(miniature.model, prompts)
    names = {type(patcher.model).__name__ for patcher in loaded_patchers() if patcher.loaded_size()}
    assert names <= {"BaseModel", "SD1ClipModel", "CLIPVisionModelProjection"}, "of ours is none"
    assert devices(miniature.omniportrait.networks.model) == {"cpu"}


@pytest.mark.parametrize("card", [(LARGE, NORMAL)], indirect=True)
def test_who_takes_the_memory_amid_a_run_changes_nothing(card, miniature, people):
    from comfy import model_management
    from comfy.patcher_extension import WrappersMP

    def take(executor, *args, **kwargs):
        denoised = executor(*args, **kwargs)
        model_management.unload_all_models()
        model_management.load_models_gpu([executor.class_obj.model_patcher])
        return denoised

    model, prompts = applied(miniature, people)
    robbed = model.clone()
    robbed.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "taken", take)
    assert torch.equal(draw(robbed, prompts), draw(model, prompts))


@pytest.mark.parametrize(
    ("card", "is_short"),
    [((LARGE, NORMAL), False), ((int(1.4 * GB), NORMAL), True), ((int(1.4 * GB), NO), True)],
    indirect=["card"],
)
def test_where_little_is_free_guidance_saves(card, miniature, people, monkeypatch, is_short):
    from likeness.host.guidance import guided_pass, memory

    chosen, size, ask = [], memory.graph_bytes, guided_pass.is_short
    monkeypatch.setattr(memory, "graph_bytes", lambda *args, **kwargs: SCALE * size(*args, **kwargs))
    monkeypatch.setattr(guided_pass, "is_short", lambda *args: chosen.append(ask(*args)) or chosen[-1])
    model, prompts = guided(miniature, people)
    monkeypatch.setattr(memory, "_free", lambda *_: card.free() - ROOM)  # what a card keeps for others
    assert draw(model, prompts).isfinite().all()
    assert chosen == [is_short] * 2
