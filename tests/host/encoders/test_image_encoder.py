"""ComfyUI's CLIP vision models as image encoders."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError, MissingModelFileError, UnknownCheckpointError
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy

SIZES = {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 1, "num_hidden_layers": 3, "patch_size": 56}

H = 1280  # width of ViT-H/14


@pytest.fixture
def encoder():
    from likeness.host.encoders.image_encoder import image_encoder

    return lambda vision, width=8, size=224: image_encoder(vision, width=width, size=size)


@pytest.fixture
def pixels():
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(5))


def test_tokens_are_the_penultimate_ones_of_normalised_pixels(vision_model, encoder):
    """The same as ComfyUI's own way, which normalises first."""
    vision = vision_model(**SIZES)
    bytes_ = torch.randint(0, 256, (2, 224, 224, 3), generator=torch.Generator().manual_seed(1))
    image = bytes_.float() / 255
    mean, std = (torch.tensor(getattr(vision, name)) for name in ("image_mean", "image_std"))
    found = encoder(vision).tokens(((image - mean) / std).movedim(-1, 1))
    assert (found.dtype, found.device.type, found.requires_grad) == (torch.float32, "cpu", False)
    torch.testing.assert_close(
        found, vision.encode_image(image)["penultimate_hidden_states"].float(), atol=1e-4, rtol=1e-4
    )


def test_the_last_layer_does_not_count(vision_model, encoder, pixels):
    from likeness.host.encoders.image_encoder import ClipVisionEncoder

    vision = vision_model(**SIZES)
    before = ClipVisionEncoder(vision).tokens(pixels)
    layers = vision.model.vision_model.encoder.layers
    with torch.no_grad():
        layers[-1].mlp.fc1.weight.mul_(3)
    assert torch.equal(ClipVisionEncoder(vision).tokens(pixels), before)
    with torch.no_grad():
        layers[-2].mlp.fc1.weight.mul_(3)
    assert not torch.equal(ClipVisionEncoder(vision).tokens(pixels), before)
    assert encoder(vision).width == 8


@pytest.mark.parametrize(("width", "size", "seen"), [(16, 224, "8 wide .* needs 16 and 224"), (8, 336, "8 and 336")])
def test_an_encoder_of_another_size_is_refused(vision_model, encoder, width, size, seen):
    with pytest.raises(IncompatibleBaseModelError, match=f"This CLIP vision model is {seen}|needs {seen}"):
        encoder(vision_model(**SIZES), width, size)


def test_an_image_encoder_of_another_kind_is_refused(encoder):
    from types import SimpleNamespace

    other = SimpleNamespace(model=torch.nn.Linear(2, 2), image_size=224)
    with pytest.raises(IncompatibleBaseModelError, match="is None wide"):
        encoder(other)


def test_a_picture_is_encoded_once_whoever_asks_for_the_same_weights(vision_model, encoder, pixels):
    sizes = SIZES | {"intermediate_size": 20}  # weights that no other test has
    first, again = vision_model(**sizes), vision_model(**sizes)
    seen = []
    for each in (first, again):
        each.model.register_forward_hook(lambda *_: seen.append(1))
    expected = encoder(first).tokens(pixels)
    assert torch.equal(encoder(again).tokens(pixels.flip(0)), expected.flip(0))
    assert len(seen) == 2


def test_the_key_names_the_weights_whatever_their_type(vision_model, encoder):
    key = encoder(vision_model(**SIZES)).key
    assert encoder(vision_model(**SIZES)).key == key
    half = vision_model(**SIZES)
    half.model.half()
    assert encoder(half).key == key
    other = vision_model(**SIZES)
    with torch.no_grad():
        other.model.vision_model.embeddings.patch_embedding.weight.mul_(2)
    assert encoder(other).key != key


def test_embeddings_are_the_projected_ones(vision_model, pixels):
    from likeness.host.encoders.image_encoder import image_embedder

    vision = vision_model(**SIZES, projection_dim=6)
    seen = []
    vision.model.register_forward_hook(lambda *_: seen.append(1))
    embedder = image_embedder(vision, width=6, size=224)
    found = embedder.embeddings(pixels)
    assert torch.equal(embedder.embeddings(pixels), found)
    assert len(seen) == 2  # one for each picture
    with torch.no_grad():
        expected = vision.model(pixel_values=pixels, intermediate_output=-2)[2]
    assert (found.dtype, found.shape) == (torch.float32, (2, 6))
    torch.testing.assert_close(found, expected.float(), atol=1e-5, rtol=1e-5)
    assert embedder.width == 6
    assert embedder.key != image_encoder_key(vision)


def image_encoder_key(vision):
    from likeness.host.encoders.image_encoder import ClipVisionEncoder

    return ClipVisionEncoder(vision).key


@pytest.mark.parametrize(("width", "size", "seen"), [(8, 224, "embeddings 6 wide"), (6, 336, "224 pixel pictures")])
def test_an_embedder_of_another_size_is_refused(vision_model, width, size, seen):
    from likeness.host.encoders.image_encoder import image_embedder

    with pytest.raises(IncompatibleBaseModelError, match=seen):
        image_embedder(vision_model(**SIZES, projection_dim=6), width=width, size=size)


def test_a_model_without_a_projection_embeds_nothing(encoder):
    from types import SimpleNamespace

    from likeness.host.encoders.image_encoder import image_embedder

    other = SimpleNamespace(model=torch.nn.Linear(2, 2), image_size=224)
    with pytest.raises(IncompatibleBaseModelError, match="no projected embedding"):
        image_embedder(other, width=1024, size=224)


@pytest.fixture
def loads(monkeypatch):
    """Paths that ComfyUI was asked to load; what it gives for each is a new object."""
    import comfy.clip_vision

    class Vision:
        pass

    asked = []

    def load(path):
        asked.append(path.rpartition("/")[2])
        return None if "unknown" in path else Vision()

    monkeypatch.setattr(comfy.clip_vision, "load", load)
    return asked


@pytest.fixture
def find():
    from likeness.host.encoders.image_encoder import find_clip_vision

    return lambda choice, width=H: find_clip_vision(choice, width=width)


@pytest.fixture
def write(folders):
    def run(name, width, key="vision_model.embeddings.patch_embedding.weight"):
        path = folders / "clip_vision" / name
        path.parent.mkdir(exist_ok=True)
        save_file({key: torch.zeros(width, 3, 2, 2)}, path)

    return run


def test_auto_passes_over_models_of_another_width(write, find, loads):
    write("a.safetensors", 1024)
    write("b.safetensors", H)
    assert find("auto") is not None
    assert loads == ["b.safetensors"]
    assert find("auto", width=768) is None


def test_auto_reads_the_names_of_both_publishers(write, find, loads):
    write("open_clip.safetensors", H, key="visual.conv1.weight")
    assert find("auto") is not None


def test_auto_passes_over_what_is_no_clip_vision(write, find, loads):
    write("a.safetensors", H, key="cls_token")
    write("b.safetensors", H, key="vision_model.something.else")
    assert find("auto") is None
    assert loads == []


def test_a_named_file_is_loaded_whatever_its_width(write, find, loads):
    """That it is of another width is said by the adapter that needs it."""
    write("a.safetensors", 1024)
    assert find("a.safetensors") is not None


def test_a_named_file_that_is_something_else_or_missing_is_refused(write, find, loads):
    write("unknown.safetensors", H, key="lora_unet")
    with pytest.raises(UnknownCheckpointError, match=r'"unknown\.safetensors" is no CLIP vision model'):
        find("unknown.safetensors")
    with pytest.raises(MissingModelFileError, match=r"a\.safetensors"):
        find("a.safetensors")


def test_two_adapters_share_one_model(write, find, loads):
    write("a.safetensors", H)
    first = find("auto")
    assert find("a.safetensors") is first
    assert len(loads) == 1
