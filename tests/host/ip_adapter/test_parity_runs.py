"""Whole runs of the published code through the node's functions and ComfyUI's encoders, UNet, guidance and sampler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from likeness.models.clip import clip_pixels
from likeness.models.ip_adapter.encode import Looking
from likeness.models.people.person import People, Person
from likeness.tests.host.ip_adapter.published_cases import adapter_file, faults, folder, stored, unet_model
from likeness.tests.parity.ip_adapter.cases import RUNS
from likeness.tests.parity.recipe import Case, weights
from likeness.tests.people import crop_photo
from torch import Tensor

pytestmark = pytest.mark.comfy

GLOBAL, PLUS, FACEID, FACEID_PLUS = RUNS
TEXT = 7  # rows of a prompt
# No case names its strength: these were found by trying, and 0.01 more or less is noticed.
STRENGTHS = {GLOBAL: 0.8, PLUS: 0.8, FACEID: 0.9, FACEID_PLUS: 0.9}
VISION = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "patch_size": 14,
    "projection_dim": 32,
}


@dataclass(frozen=True)
class Published:
    """A case, its UNet, its adapter as the loader node gives it, and what is asked for."""

    case: Case
    model: Any
    loaded: Any
    picture: np.ndarray

    @property
    def people(self) -> People:
        """The person of an adapter of faces, else nobody."""
        if not self.loaded.adapter.needs_face:
            return People()
        return People((Person(name="person", photos=(crop_photo(self.picture),)),))

    def tokens(self, looking: Looking | None = None) -> tuple[Tensor, Tensor]:
        """Image tokens as the node makes them, and those of the negative side."""
        looking = looking or Looking()
        if self.loaded.adapter.needs_face:
            encoded = self.loaded.encode_people(tuple(self.people), looking)
            return encoded.tokens, encoded.null_tokens
        return self.loaded.encode_pictures([self.picture], looking, "concat")


@dataclass(frozen=True)
class StoredRecogniser:
    """A `FaceRecogniser` that gives the vector of a case, with a length that is not 1."""

    case: Case

    @property
    def key(self):
        return self.case.about["case"]

    @property
    def width(self):
        return self.case.tensors["in.id"].shape[1]

    def vectors(self, faces, pictures):
        return 20 * self.case.tensors["in.id"]


def painted(k):
    """The picture of a case, which is a formula."""
    y, x, c = np.meshgrid(np.arange(224), np.arange(224), np.arange(3), indexing="ij")
    return ((5 * x + (3 + k) * y + 60 * c + (x * y) // (32 + 8 * k)) % 256).astype(np.uint8)


@pytest.fixture(scope="module")
def vision(vision_model):
    """ComfyUI's CLIP vision model with the weights that all cases share."""
    made = vision_model(**VISION)
    shapes = {key: list(tensor.shape) for key, tensor in made.model.state_dict().items()}
    made.model.load_state_dict(weights("clip", shapes), strict=True)
    return made, shapes


@pytest.fixture(scope="module")
def published(tmp_path_factory, vision):
    """A builder: `published(name, version=…)`; a case that the folder does not have is skipped."""
    from likeness.host.ip_adapter.adapter import new_ip_adapter
    from likeness.models.ip_adapter.checkpoint import load

    clip_vision, shapes = vision
    made = {}

    def build(name, version="auto"):
        if name not in folder().names():
            pytest.skip(f"{name} is among the full cases only")
        if (name, version) not in made:
            case = stored(name)
            assert case.about["weights"].get("clip", shapes) == shapes
            adapter = load(adapter_file(case, tmp_path_factory.mktemp("published")), version=version)
            loaded = new_ip_adapter(adapter, clip_vision=clip_vision, recogniser=StoredRecogniser(case))
            picture = painted(case.about.get("image", {"k": 0})["k"])
            made[name, version] = Published(case, unet_model(case, "sd15"), loaded, picture)
        return made[name, version]

    return build


def context_tolerance(case):
    return {**case.tolerance, "atol": case.about["tolerance_by_tensor"]["out.context"]}


def wrong_context(published, looking=None):
    """The line about the tokens of both sides if they are outside their tolerance."""
    expected = published.case.tensors["out.context"]
    half = len(expected) // 2  # samples; each has the same rows
    tokens, null = published.tokens(looking)
    got = torch.cat([null.expand(half, -1, -1), tokens.expand(half, -1, -1)])
    case = published.case
    return faults(f"{case.about['case']} context", got, expected[:, TEXT:], context_tolerance(case))


def wrong_latents(published, *, more=0.0, lora_strength=1.0, guidance=None):
    """The lines about the latents outside their tolerance: of every step where the case has them, and the last.

    DDIM without noise is Euler's method in the noise level; the reference's last step ends at the lowest one, not at 0.
    """
    import comfy.sample
    import comfy.samplers
    from likeness.host.ip_adapter.application import Pictures, apply

    case, model = published.case, published.model
    strength = STRENGTHS[case.about["case"]] + more
    given: dict[str, Any] = {"strength": strength, "lora_strength": lora_strength}
    if not published.people:
        given = {"pictures": Pictures(pictures=torch.from_numpy(published.picture)[None] / 255, strength=strength)}
    applied = apply(model, published.loaded, published.people, **given)
    levels = model.get_model_object("model_sampling").sigmas
    sigmas = levels[[*case.about["timesteps"], 0]]
    to_unit = (1 + sigmas**2) ** 0.5  # between ComfyUI's latents and those of constant variance
    negative, positive = ([[row[None, :TEXT], {"pooled_output": None}]] for row in case.tensors["out.context"][[0, -1]])
    before: list[Tensor] = []
    latent = comfy.sample.sample_custom(
        applied.model,
        case.tensors["in.latent"] * to_unit[0] / sigmas[0],
        case.about["guidance_scale"] if guidance is None else guidance,
        comfy.samplers.sampler_object("euler"),
        sigmas,
        positive,
        negative,
        torch.zeros_like(case.tensors["in.latent"]),
        callback=lambda step, denoised, x, total: before.append(x.clone()),
        disable_pbar=True,
        seed=0,
    )
    after = torch.stack([*before[1:], model.model.process_latent_in(latent)]) / to_unit[1:, None, None, None, None]
    found = faults(f"{case.about['case']} latent", after[-1], case.tensors["out.latent"], case.tolerance)
    if "out.steps" in case.tensors:
        found += faults(f"{case.about['case']} steps", after, case.tensors["out.steps"], case.tolerance)
    return found


@pytest.mark.parametrize("name", [GLOBAL, PLUS, FACEID_PLUS])
@torch.no_grad()
def test_what_clip_sees(published, vision, name):
    """Every output of CLIP that the case has."""
    from likeness.host.encoders.image_encoder import ClipVisionEmbedder, ClipVisionEncoder

    pixels, (clip_vision, _) = clip_pixels(published(name).picture)[None], vision
    got = {
        "mid.clip_projected": ClipVisionEmbedder(clip_vision).embeddings(pixels),
        "mid.clip_penultimate": ClipVisionEncoder(clip_vision).tokens(pixels),
        "mid.clip_penultimate_zero_pixels": ClipVisionEncoder(clip_vision).tokens(torch.zeros_like(pixels)),
    }
    tensors = published(name).case.tensors
    compared = [key for key in tensors if key.startswith("mid.")]
    assert "mid.clip_projected" in compared
    for key in compared:
        assert faults(f"{name} {key}", got[key], tensors[key], context_tolerance(published(name).case)) == []


@pytest.mark.parametrize("name", RUNS)
@torch.no_grad()
def test_tokens_of_both_sides(published, name):
    assert wrong_context(published(name)) == []


@pytest.mark.parametrize("name", RUNS)
@torch.no_grad()
def test_latents_of_the_whole_run(published, name):
    assert wrong_latents(published(name)) == []


@pytest.mark.parametrize("name", [PLUS, FACEID_PLUS])
@torch.no_grad()
def test_a_black_picture_on_the_negative_side_is_noticed(published, name):
    assert wrong_context(published(name), Looking(negative="black")) != []


@torch.no_grad()
def test_the_other_version_of_faceid_plus_is_noticed(published):
    assert wrong_context(published(FACEID_PLUS, "FaceID PlusV2")) != []


@pytest.mark.parametrize("name", RUNS)
@torch.no_grad()
def test_another_strength_or_guidance_is_noticed(published, name):
    assert wrong_latents(published(name), more=0.01) != []
    assert wrong_latents(published(name), more=-0.01) != []
    assert wrong_latents(published(name), guidance=7.4) != []


@pytest.mark.parametrize("name", [FACEID, FACEID_PLUS])
@torch.no_grad()
def test_a_lora_that_is_not_heeded_is_noticed(published, name):
    assert wrong_latents(published(name), lora_strength=0.0) != []
