"""The published SD1.5 pipeline through the code that ComfyUI runs: its text and image encoders, its UNet, its sampler.

Only the face parser's labels and the recogniser's vector come from the stored case.
"""

import logging
import uuid
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytestmark = pytest.mark.comfy

pytest.importorskip("diffusers")

UNET, PIPELINE = "unet/tiny_sd15", "pipeline/sd15_merge1_all"


def stored(name):
    from likeness.tests.parity.consistentid.stored import HERE, Stored
    from likeness.tests.parity.folder import folder_of

    return Stored.read(folder_of("consistentid", HERE), name)


def faults(label, got, expected, atol, rtol=0.0):
    """What lies outside the tolerance, one line each; the worst difference goes to the log."""
    from likeness.tests.parity.recipe import Comparison, report

    comparison = Comparison(label, got, expected, atol=atol, rtol=rtol)
    logging.getLogger(__name__).info("%s: worst difference %.2e", label, comparison.worst)
    return report([comparison])


@pytest.fixture(scope="module")
def model():
    """The case's UNet in ComfyUI's classes, by ComfyUI's own table of key names."""
    from comfy import model_base, model_patcher, supported_models
    from comfy.utils import unet_to_diffusers
    from likeness.tests.parity.torch_recipe import weight

    config = {
        "image_size": 16, "out_channels": 4, "use_spatial_transformer": True, "legacy": False, "in_channels": 4,
        "model_channels": 32, "use_temporal_attention": False, "use_temporal_resblock": False, "context_dim": 64,
        "adm_in_channels": None, "num_res_blocks": [2, 2, 2, 2], "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
        "channel_mult": [1, 2, 3, 3], "transformer_depth_middle": 1, "use_linear_in_transformer": False,
        "num_head_channels": -1, "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
    }  # fmt: skip
    settings = supported_models.SD15(config)
    settings.unet_config["num_heads"] = 4  # SD1.5's own 8 has overwritten it
    settings.set_inference_dtype(torch.float32, None)
    model = model_base.BaseModel(settings, device=torch.device("cpu"))
    unet = model.diffusion_model
    names = {theirs: ours for ours, theirs in unet_to_diffusers(config).items() if theirs in unet.state_dict()}
    shapes = {key: tensor.shape for key, tensor in unet.state_dict().items()}
    made = {key: weight("tiny_sd15.unet.", names[key], shape) for key, shape in shapes.items()}
    unet.load_state_dict(made, strict=True)
    model.eval().requires_grad_(False)
    cpu = torch.device("cpu")
    return model_patcher.ModelPatcher(model, load_device=cpu, offload_device=cpu)


class StoredParser:
    """A `FaceParser` that gives the labels of the case."""

    key = "stored labels"

    def labels(self, picture, size):
        assert size == 512
        return stored(PIPELINE).tensors["in.labels"].numpy()


class StoredRecogniser:
    """A `FaceRecogniser` that gives the vector of the case."""

    key = "stored vector"
    width = 512

    def vectors(self, faces, pictures):
        return stored(PIPELINE).tensors["in.faceid"]


def with_tokens(loaded, encoded):
    """The adapter with ID tokens that are known."""
    from likeness.host.consistentid.adapter import LoadedConsistentID

    class Known(LoadedConsistentID):
        def encode(self, people):
            return encoded

    return Known(loaded.adapter, loaded.flavour, loaded.encoder, loaded.attention, loaded.encoders)


@pytest.fixture(scope="module")
def published(clip_vision):
    """The case's adapter as the loader node gives it; heads of its facial encoder are narrower than published."""
    from dataclasses import replace

    from likeness.host.consistentid.adapter import new_consistentid
    from likeness.models.consistentid.facial_encoder import FacialEncoder
    from likeness.tests.parity.consistentid.cases import ENCODER_HEAD, small_adapter, small_encoder

    encoder = FacialEncoder.from_state_dict(small_encoder(), dim_head=ENCODER_HEAD)
    adapter = replace(small_adapter(), facial_encoder=encoder)
    given = {"face_parser": StoredParser(), "recogniser": StoredRecogniser()}
    return new_consistentid(adapter, clip_vision=clip_vision, mode="published", **given)


@pytest.fixture(scope="module")
def clip():
    """ComfyUI's CLIP with the case's text encoder."""
    import comfy.sd
    from comfy import sd1_clip
    from likeness.tests.parity.consistentid.small_clip import DEPTH, HEADS, SmallText

    weights = SmallText().weights
    config = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": HEADS, "num_hidden_layers": DEPTH}
    clip = comfy.sd.CLIP(
        SimpleNamespace(params={}, clip=sd1_clip.SD1ClipModel, tokenizer=sd1_clip.SD1Tokenizer),
        model_options={"clip_l_model_config": {**config, "hidden_act": "gelu"}, "dtype": torch.float32},
    )
    text = clip.cond_stage_model.clip_l.transformer.text_model
    rows = text.embeddings.token_embedding.weight.shape[0]  # the published code adds two that are never read
    key = "embeddings.token_embedding.weight"
    text.load_state_dict({**weights, key: weights[key][:rows]}, strict=True)
    torch.nn.init.eye_(clip.cond_stage_model.clip_l.transformer.text_projection.weight)
    return clip


@pytest.fixture(scope="module")
def clip_vision(vision_model):
    """ComfyUI's CLIP vision model with the case's image encoder."""
    from likeness.tests.parity.consistentid.small_clip import DEPTH, HEADS, SmallVision

    vision = vision_model(
        hidden_size=48, intermediate_size=96, num_attention_heads=HEADS, num_hidden_layers=DEPTH, patch_size=56
    )
    missing, unexpected = vision.model.vision_model.load_state_dict(SmallVision().weights, strict=False)
    assert unexpected == []
    assert {name.partition(".")[0] for name in missing} <= {"post_layernorm"}
    return vision


@pytest.fixture
def people():
    """The person of the case."""
    from likeness.models.face.types import Face
    from likeness.models.people.person import People, Person
    from likeness.models.people.photo import Photo

    picture = stored(PIPELINE).tensors["in.photo_hwc"].numpy()
    face = Face(
        box=np.zeros(4, np.float32), points=np.zeros((5, 2), np.float32), score=1.0, crop=np.zeros((224, 224, 3), np.uint8),
        index=0, image_index=0, image_size=picture.shape[:2],
    )  # fmt: skip
    return People((Person(name="person", photos=(Photo(picture=picture, faces=(face,), taken=face),)),))


@pytest.fixture
def encoded(published, clip, people):
    from likeness.host.consistentid.prompt import encode_prompt
    from likeness.host.sampling.delayed_conditioning import MergePoint

    about = stored(PIPELINE).about
    return encode_prompt(
        published,
        clip,
        people,
        positive=about["prompt"],
        negative=about["negative"],
        merge=MergePoint(step=about["start_merge_step"], inclusive=published.flavour.merge_inclusive),
        size=(128, 128),
    )


@pytest.mark.parametrize(("name", "strength"), [("out.sample", 1.0), ("out.sample_ipscale0p5", 0.5)])
@torch.no_grad()
def test_one_call_of_the_unet(model, published, people, name, strength):
    """ID tokens through the patches of `apply` and LoRA merged into the weights."""
    import comfy.model_management
    from likeness.host.consistentid.application import apply
    from likeness.host.sampling.conds import CondInfo
    from likeness.host.unet import keys
    from likeness.models.adapters.identity_attention import EncodedPeople
    from likeness.models.port.attention import Polarity

    tensors = stored(UNET).tensors
    context = tensors["in.encoder_hidden_states"]
    encoded = EncodedPeople(tokens=context[1:, 77:], null_tokens=context[:1, 77:])
    patched = apply(model, with_tokens(published, encoded), people, strength=strength).model
    conds = {uuid.uuid4(): CondInfo(polarity) for polarity in (Polarity.NEGATIVE, Polarity.POSITIVE)}
    options = {
        **patched.model_options["transformer_options"],
        "wrappers": patched.wrappers,
        "cond_or_uncond": [1, 0],
        "uuids": list(conds),
        "sigmas": torch.ones(2),
        keys.CONDS: conds,
    }
    comfy.model_management.load_models_gpu([patched])
    try:
        timestep, text = tensors["in.timestep"].float(), context[:, :77]
        got = patched.model.diffusion_model(tensors["in.sample"], timestep, context=text, transformer_options=options)
    finally:
        patched.detach()
    assert faults(f"{UNET} {name}", got, tensors[name], 2e-5, 1e-4) == []


@torch.no_grad()
def test_contexts_of_both_phases(published, people, encoded):
    tensors = stored(PIPELINE).tensors
    identity = published.encode(people)
    tokens = torch.cat([identity.null_tokens, identity.tokens])
    [[negative, _]] = encoded.negative
    for step, (positive, _) in ((1, encoded.positive[0]), (2, encoded.positive[1])):
        got = torch.cat([torch.cat([negative, positive]), tokens], dim=1)
        assert faults(f"{PIPELINE} step {step} context", got, tensors[f"step{step}.context"], 2e-5, 1e-4) == []


@torch.no_grad()
def test_latents_of_the_whole_pipeline(model, published, people, encoded):
    """ComfyUI's Euler over the published noise levels; its own start noise is sqrt(1 + sigma²) times the given one."""
    import comfy.sample
    import comfy.samplers
    from likeness.host.consistentid.application import apply
    from likeness.tests.parity.consistentid.pipeline_cases import GUIDANCE, euler_schedule

    case = stored(PIPELINE)
    sigmas, _ = euler_schedule(case.about["steps"])
    noise = case.tensors["in.latents"] * sigmas[0] / (1 + sigmas[0] ** 2) ** 0.5
    patched = apply(model, published, people).model
    latent = comfy.sample.sample_custom(
        patched,
        noise,
        GUIDANCE,
        comfy.samplers.sampler_object("euler"),
        sigmas,
        encoded.positive,
        encoded.negative,
        torch.zeros_like(noise),
        disable_pbar=True,
        seed=0,
    )
    assert faults(f"{PIPELINE} latents", model.model.process_latent_in(latent), case.tensors["out.latents"], 1e-3) == []
