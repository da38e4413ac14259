"""The CLIP models that look at style pictures: found by content, checked against the method's description."""

from __future__ import annotations

import hashlib
import re

import pytest
import torch
from likeness.models.clip import CLIP_MEAN
from likeness.models.clip.towers import PUBLISHED, TransformerSizes, new_tower
from likeness.models.errors import (
    IncompatibleBaseModelError,
    InvalidSettingError,
    MissingModelFileError,
    UnknownCheckpointError,
)
from likeness.models.facestudio.description import Description
from likeness.models.facestudio.style_encoding import colours_of
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy

VITL, PAPER3 = Description(), Description(encoder="paper3")
OTHER = Description(encoder="other", space="drawn", activation="gelu")
SMALL = {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 1, "num_hidden_layers": 2}
L14 = {**SMALL, "hidden_size": 1024, "num_attention_heads": 16, "patch_size": 14, "projection_dim": 768}
NARROW = {  # what stands in for the three, told apart by their sizes as the true ones are
    "ViT-L-14": TransformerSizes(image=224, patch=56, width=64, layers=2, feed=64, outputs=768),
    "RN101": TransformerSizes(image=224, patch=112, width=64, layers=1, feed=64, outputs=512),
    "ViT-B-32": TransformerSizes(image=224, patch=112, width=128, layers=1, feed=64, outputs=512),
}


@pytest.fixture
def style_embedder(folders):
    from likeness.host.encoders.style import style_embedder

    return style_embedder


@pytest.fixture
def write(folders):
    """Write a file into models/clip_vision; gives its sha256."""

    def run(name, weights):
        path = folders / "clip_vision" / name
        path.parent.mkdir(exist_ok=True)
        save_file(weights, path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return run


@pytest.fixture
def loads(monkeypatch, vision_model):
    """Files that ComfyUI was asked to load; it gives a narrow ViT-L/14 with the quick activation."""
    import comfy.clip_vision

    asked = []

    def load(path):
        asked.append(path.rpartition("/")[2])
        return vision_model(**L14, hidden_act="quick_gelu")

    monkeypatch.setattr(comfy.clip_vision, "load", load)
    return asked


def vit_l(size=224, value=0.0):
    """What tells OpenAI's file for CLIP_VISION from others."""
    return {
        "vision_model.embeddings.patch_embedding.weight": torch.full((1024, 3, 14, 14), value),
        "vision_model.embeddings.position_embedding.weight": torch.zeros((size // 14) ** 2 + 1, 1024),
        "visual_projection.weight": torch.zeros(768, 1024),
    }


@pytest.fixture
def narrow(monkeypatch, write):
    """The three of the paper in narrow, under names that sort otherwise; gives their towers and hashes by name."""
    for name, sizes in NARROW.items():
        monkeypatch.setitem(PUBLISHED, name, sizes)
    towers, hashes = {}, {}
    for file, (seed, name) in zip("cab", enumerate(NARROW), strict=True):
        torch.manual_seed(seed)
        towers[name] = new_tower(NARROW[name], "quick_gelu").eval()
        weights = {f"visual.{key}": tensor.contiguous() for key, tensor in towers[name].state_dict().items()}
        hashes[name] = write(f"{file}.safetensors", weights)
    return towers, hashes


@pytest.fixture
def pixels():
    return torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(6))


def test_without_a_file_auto_finds_nothing_and_says_what_is_missing(style_embedder, folders):
    from likeness.host.encoders.style import missing_encoder

    for description, width, wanted in (
        (VITL, 768, r"OpenAI CLIP ViT-L/14 in .*clip_vision"),
        (PAPER3, 1792, r"CLIP ViT-L-14, RN101, ViT-B-32 of OpenAI in open_clip's layout"),
        (OTHER, 8, "embeddings 8 wide"),
        (None, 1280, "embeddings 1280 wide"),
    ):
        assert style_embedder(description, width=width) is None
        assert re.search(wanted, missing_encoder(description, width=width))


def test_vit_l_is_found_by_its_content(style_embedder, write, loads):
    write("a 336 pixels.safetensors", vit_l(336))
    write("b h.safetensors", {"visual_projection.weight": torch.zeros(1024, 1280)})
    write("c.safetensors", vit_l())
    embedder = style_embedder(VITL, width=768)
    assert embedder.width == 768
    assert loads == ["c.safetensors"]


def test_none_takes_no_file(style_embedder, write, loads, narrow):
    write("c.safetensors", vit_l())
    assert style_embedder(VITL, width=768, choice="none") is None
    assert style_embedder(PAPER3, width=1792, choice="none") is None
    assert loads == []


def test_a_file_in_open_clips_layout_is_vit_l_too(style_embedder, narrow, loads):
    assert style_embedder(VITL, width=768) is not None
    assert loads == ["c.safetensors"]


def test_the_described_file_is_taken_by_its_hash(style_embedder, write, loads):
    write("a.safetensors", vit_l())
    wanted = write("b.safetensors", vit_l(value=1.0))
    assert style_embedder(Description(sha256=(wanted.upper(),)), width=768) is not None
    assert loads == ["b.safetensors"]


@pytest.mark.parametrize("choice", ["auto", "a.safetensors"])
def test_a_file_with_another_hash_is_refused(style_embedder, write, loads, choice):
    seen = write("a.safetensors", vit_l())
    with pytest.raises(UnknownCheckpointError, match=rf'sha256 {"0" * 12}…\) than "a\.safetensors" \({seen[:12]}…\)'):
        style_embedder(Description(sha256=("0" * 64,)), width=768, choice=choice)
    assert loads == []


def test_of_several_files_without_a_hash_none_is_guessed(style_embedder, write, loads):
    write("a.safetensors", vit_l())
    write("b.safetensors", vit_l(value=1.0))
    with pytest.raises(InvalidSettingError, match=r'2 files of ViT-L/14 \("a\.safetensors", "b\.safetensors"\)'):
        style_embedder(VITL, width=768)
    assert style_embedder(VITL, width=768, choice="b.safetensors") is not None
    assert loads == ["b.safetensors"]


def test_a_named_file_that_is_not_there_is_refused(style_embedder):
    for description, width in ((VITL, 768), (PAPER3, 1792), (None, 1280)):
        with pytest.raises(MissingModelFileError, match=r"gone\.safetensors"):
            style_embedder(description, width=width, choice="gone.safetensors")


def test_a_file_runs_with_the_described_activation_and_colours(style_embedder, write, loads, pixels):
    half = (0.5, 0.5, 0.5)
    write("a.safetensors", vit_l())
    quick = style_embedder(VITL, width=768)
    exact = style_embedder(Description(activation="gelu", mean=half, std=half), width=768)
    assert (quick.embeddings(pixels) - exact.embeddings(pixels)).abs().max() > 1e-4
    assert quick.key != exact.key
    assert colours_of(quick)[0] == CLIP_MEAN
    assert colours_of(exact) == (half, half)


def test_a_connected_model_is_checked_and_taken_as_it_is(style_embedder, vision_model, pixels):
    vision = vision_model(**L14 | {"intermediate_size": 20}, hidden_act="quick_gelu")  # weights that no other test has
    seen = []
    vision.model.register_forward_hook(lambda *_: seen.append(1))
    embedder = style_embedder(VITL, width=768, clip_vision=vision)
    first = embedder.embeddings(pixels)
    assert torch.equal(embedder.embeddings(pixels), first)
    assert len(seen) == 1
    with torch.no_grad():
        expected = vision.model(pixel_values=pixels, intermediate_output=-2)[2]
    torch.testing.assert_close(first, expected.float(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"hidden_act": "gelu"}, "activation gelu, and the method was trained with quick_gelu"),
        ({"projection_dim": 1024}, "embeddings 1024 wide"),
        ({"image_size": 336}, "336 pixel pictures"),
        ({"patch_size": 56}, r"patches \(1024, 3, 56, 56\)"),
    ],
)
def test_a_connected_model_of_another_kind_is_refused(style_embedder, vision_model, changed, seen):
    vision = vision_model(**{**L14, "hidden_act": "quick_gelu", **changed})
    with pytest.raises(IncompatibleBaseModelError, match=seen):
        style_embedder(VITL, width=768, clip_vision=vision)


def test_another_encoder_is_any_of_its_width_and_activation(style_embedder, vision_model):
    vision = vision_model(**SMALL, patch_size=56, projection_dim=6)
    assert style_embedder(OTHER, width=6, clip_vision=vision).width == 6
    with pytest.raises(IncompatibleBaseModelError, match="embeddings 6 wide"):
        style_embedder(OTHER, width=7, clip_vision=vision)
    with pytest.raises(IncompatibleBaseModelError, match="trained with quick_gelu"):
        style_embedder(Description(encoder="other"), width=6, clip_vision=vision)


def test_without_a_description_any_model_of_the_projected_width_is_taken_as_comfyui_loads_it(
    style_embedder, write, loads, vision_model
):
    write("a.safetensors", {"visual_projection.weight": torch.zeros(1024, 768), "vision_model.a": torch.zeros(1)})
    write("b.safetensors", {"visual.proj": torch.zeros(1280, 768)})
    assert style_embedder(None, width=768).width == 768
    assert loads == ["b.safetensors"]
    vision = vision_model(**SMALL, patch_size=56, projection_dim=6)
    assert style_embedder(None, width=6, clip_vision=vision).width == 6
    with pytest.raises(IncompatibleBaseModelError, match="embeddings 6 wide"):
        style_embedder(None, width=7, clip_vision=vision)


def test_the_papers_three_are_found_by_content_and_joined_in_the_papers_order(style_embedder, narrow, pixels):
    towers, hashes = narrow
    with torch.no_grad():
        expected = torch.cat([towers[name](pixels) for name in ("ViT-L-14", "RN101", "ViT-B-32")], dim=-1)
    for description in (PAPER3, Description(encoder="paper3", sha256=tuple(hashes[name] for name in NARROW))):
        embedder = style_embedder(description, width=1792)
        assert embedder.width == 1792
        torch.testing.assert_close(embedder.embeddings(pixels), expected, atol=1e-5, rtol=1e-5)


def test_one_of_three_missing_is_named(style_embedder, narrow, folders):
    import folder_paths
    from likeness.host.encoders.style import missing_encoder

    (folders / "clip_vision" / "a.safetensors").unlink()
    folder_paths.filename_list_cache.clear()
    assert style_embedder(PAPER3, width=1792) is None
    assert missing_encoder(PAPER3, width=1792).startswith("CLIP RN101 of OpenAI")


def test_one_of_three_with_another_hash_is_refused(style_embedder, narrow):
    _, hashes = narrow
    described = Description(encoder="paper3", sha256=(hashes["ViT-L-14"], hashes["ViT-L-14"], hashes["ViT-B-32"]))
    with pytest.raises(UnknownCheckpointError, match=r'than "a\.safetensors"'):
        style_embedder(described, width=1792)


def test_a_named_file_takes_the_place_of_its_network(style_embedder, narrow, write, pixels):
    towers, _ = narrow
    torch.manual_seed(9)
    other = new_tower(NARROW["RN101"], "quick_gelu").eval()
    write("z.safetensors", {f"visual.{key}": tensor.contiguous() for key, tensor in other.state_dict().items()})
    with pytest.raises(InvalidSettingError, match="2 files of RN101"):
        style_embedder(PAPER3, width=1792)
    with torch.no_grad():
        expected = torch.cat([towers["ViT-L-14"](pixels), other(pixels), towers["ViT-B-32"](pixels)], dim=-1)
    found = style_embedder(PAPER3, width=1792, choice="z.safetensors").embeddings(pixels)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_named_file_that_is_none_of_the_three_is_refused(style_embedder, narrow, write):
    write("y.safetensors", vit_l())
    with pytest.raises(UnknownCheckpointError, match=r'"y\.safetensors" is none of ViT-L-14, RN101, ViT-B-32'):
        style_embedder(PAPER3, width=1792, choice="y.safetensors")


def test_the_three_are_no_clip_vision(style_embedder, vision_model):
    with pytest.raises(InvalidSettingError, match="three CLIP models at once"):
        style_embedder(PAPER3, width=1792, clip_vision=vision_model(**SMALL, patch_size=56))


@pytest.mark.slow
@pytest.mark.long
def test_core_and_open_clip_agree_about_vit_l_at_its_true_size(style_embedder, write, pixels):
    """The file in open_clip's layout, loaded by ComfyUI, is what open_clip's own tower makes of it."""
    torch.manual_seed(0)
    tower = new_tower(PUBLISHED["ViT-L-14"], "quick_gelu").eval()
    write("l.safetensors", {f"visual.{key}": tensor.contiguous() for key, tensor in tower.state_dict().items()})
    with torch.no_grad():
        expected = tower(pixels)
    found = style_embedder(VITL, width=768).embeddings(pixels)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
