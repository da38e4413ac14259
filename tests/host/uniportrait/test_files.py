"""Load UniPortrait's files: found by their content, encoders shared, what is missing named."""

from __future__ import annotations

import shutil

import pytest
import torch
from likeness.models.errors import IncompatibleBaseModelError, MissingModelFileError, UnknownCheckpointError
from likeness.tests.host.conftest import CLIP_WIDTH, INTRINSIC

pytestmark = pytest.mark.comfy

VISION = {"intermediate_size": 16, "num_attention_heads": 1, "num_hidden_layers": 2, "patch_size": 56}


@pytest.fixture
def choose():
    from likeness.host.uniportrait.adapter import choose_uniportrait

    return choose_uniportrait


@pytest.fixture
def published(put, uniportrait_files):
    """The three files, under names that say nothing."""
    return [
        put(uniportrait_files / f"{kind}.bin", f"uniportrait/{number}.bin")
        for number, kind in enumerate(("backbone", "router", "faceid"))
    ]


def test_auto_finds_all_three_files_whatever_their_names(published, choose):
    loaded = choose()
    assert len(loaded.adapter.face_attention) == len(loaded.adapter.routers) == 16
    assert loaded.adapter.multi_lora is not None
    assert loaded.backbone.channels[-1] == INTRINSIC


def test_the_router_can_be_left_out_or_missing(published, choose):
    assert choose(router="none").adapter.multi_lora is None
    published[1].unlink()
    assert choose().adapter.multi_lora is None


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            0,
            r"No backbone file of UniPortrait was found in .*uniportrait; .*glint360k_curricular_face_r101_backbone\.bin",
        ),
        (2, r"No faceid file of UniPortrait was found in .*uniportrait; .*uniportrait-faceid_sd15\.bin"),
    ],
)
def test_a_file_that_is_needed_is_named_with_its_folder(published, choose, place, message):
    published[place].unlink()
    with pytest.raises(MissingModelFileError, match=message):
        choose()


def test_a_named_file_that_is_something_else_is_refused(published, choose):
    with pytest.raises(UnknownCheckpointError, match="a UniPortrait router file"):
        choose(faceid="1.bin")
    with pytest.raises(MissingModelFileError, match=r'"9\.bin" was not found'):
        choose(backbone="9.bin")


def network_of(loaded):
    """The network of its backbone."""
    return loaded.backbone.backbone.patcher.model


def test_the_backbone_is_read_once_for_all_who_use_its_file(published, choose):
    first, again = choose(), choose(router="none")
    assert network_of(first) is network_of(again)


def test_another_backbone_is_another_encoder(published, choose, uniportrait_files):
    first = choose()
    shutil.copy(published[0], published[0].with_name("copy.bin"))
    same = choose(backbone="copy.bin")
    assert network_of(same) is not network_of(first)
    assert same.backbone.key == first.backbone.key, "but it knows what the first has said"


def test_without_an_image_encoder_it_is_said_once_it_is_needed(published, choose):
    loaded = choose()
    assert loaded.clip is None
    with pytest.raises(
        MissingModelFileError, match=rf"trained with \({CLIP_WIDTH} wide.*clip_vision to Load UniPortrait"
    ):
        _ = loaded.encoders


def test_the_image_encoder_from_a_socket_must_be_of_the_right_width(published, choose, vision_model):
    right, wrong = (vision_model(hidden_size=width, **VISION) for width in (CLIP_WIDTH, 8))
    assert choose(clip_vision=right).encoders.clip.width == CLIP_WIDTH
    with pytest.raises(IncompatibleBaseModelError, match=f"is 8 wide .* needs {CLIP_WIDTH}"):
        choose(clip_vision=wrong)


def test_auto_passes_over_image_encoders_of_another_width_and_a_name_is_refused(
    published, choose, vision_model, folders, monkeypatch
):
    """ComfyUI reads sizes that are published only, so its reading is stood in for by models of the test's own."""
    import comfy.clip_vision
    from safetensors.torch import save_file

    (folders / "clip_vision").mkdir()
    widths = {"a.safetensors": 8, "b.safetensors": CLIP_WIDTH}
    for name, width in widths.items():
        key = "vision_model.embeddings.patch_embedding.weight"
        save_file({key: torch.zeros(width, 3, 2, 2)}, folders / "clip_vision" / name)
    monkeypatch.setattr(
        comfy.clip_vision, "load", lambda path: vision_model(hidden_size=widths[path.rpartition("/")[2]], **VISION)
    )
    assert choose().encoders.clip.width == CLIP_WIDTH
    with pytest.raises(IncompatibleBaseModelError, match="8 wide"):
        choose(clip_vision_file="a.safetensors")


def test_an_image_prompt_is_read_where_it_is_named(published, choose, put, uniportrait_files):
    put(uniportrait_files / "ip-adapter.bin", "ipadapter/any.bin")
    assert choose().adapter.image_prompt is None
    assert len(choose(image_prompt="any.bin").adapter.image_prompt.attention) == 16
