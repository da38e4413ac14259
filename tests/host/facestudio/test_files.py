"""Which FaceStudio file a loader takes, and which encoders come with it."""

# pyright: reportUnusedImport=false

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import (
    CorruptModelFileError,
    IncompatibleBaseModelError,
    InvalidSettingError,
    MissingModelFileError,
    UnknownCheckpointError,
)
from likeness.models.facestudio.style import Space
from likeness.tests.host.conftest import vision_model  # noqa: F401
from likeness.tests.host.facestudio.conftest import DESCRIPTION, STYLE
from likeness.tests.host.ip_adapter.conftest import ip_adapter_weights  # noqa: F401
from likeness.tests.people import crowd
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy

GELU = replace(DESCRIPTION, activation="gelu")
SIZES = {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 1, "num_hidden_layers": 2, "patch_size": 56}


@pytest.fixture
def choose():
    from likeness.host.facestudio.files import choose_facestudio

    return choose_facestudio


@pytest.fixture
def store(folders, facestudio_weights):
    """Write a FaceStudio file into its folder, `store("name")`; gives its path."""

    def run(name, description=GELU, **given):
        path = folders / "facestudio" / name
        path.parent.mkdir(exist_ok=True)
        save_file(facestudio_weights(**given), path, metadata=description.metadata())
        return path

    return run


def test_auto_takes_the_first_by_name_that_is_one(choose, store, folders):
    store("c.safetensors", whole=True)
    store("b.safetensors", replace(GELU, space="first"))
    save_file({"image_proj.proj.weight": torch.zeros(4, 4)}, folders / "facestudio" / "a.safetensors")
    found = choose()
    assert found.space == Space("first", STYLE)
    assert not found.adapter.unet


def test_a_name_is_taken_at_its_word(choose, store):
    store("a.safetensors")
    store("b.safetensors", whole=True)
    assert choose(facestudio="b.safetensors").adapter.unet
    with pytest.raises(MissingModelFileError, match=r'"gone.safetensors" was not found'):
        choose(facestudio="gone.safetensors")


def test_without_a_file_the_folder_and_the_other_form_are_named(choose, folders):
    with pytest.raises(MissingModelFileError, match="use FaceStudio from IP-Adapters, which needs none") as caught:
        choose()
    assert str(folders / "facestudio") in str(caught.value)


def test_a_foreign_file_is_told_apart(choose, folders, ip_adapter_weights):  # noqa: F811
    path = folders / "facestudio" / "other.bin"
    path.parent.mkdir()
    torch.save(ip_adapter_weights("plain"), path)
    with pytest.raises(UnknownCheckpointError, match="looks like a plain IP-Adapter file, which belongs"):
        choose(facestudio="other.bin")
    with pytest.raises(MissingModelFileError, match="No FaceStudio file was found"):
        choose()


def test_a_file_that_broke_off_is_said_to_be(choose, store):
    path = store("a.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptModelFileError, match="truncated"):
        choose(facestudio="a.safetensors")


def test_a_file_that_does_not_name_its_encoders_is_refused(choose, store, facestudio_weights):
    save_file(facestudio_weights(), store("a.safetensors"))
    with pytest.raises(UnknownCheckpointError, match="which CLIP models it was trained with"):
        choose()


def test_encoders_that_are_missing_are_no_error_until_they_are_needed(choose, store, tiny_model, style):
    from likeness.host.facestudio.method import Asked

    store("a.safetensors")
    found = choose()
    assert (found.embedder, found.recogniser) == (None, None)
    assert f"{STYLE} wide" in found.wanted
    given = style()
    drawn = found.apply(tiny_model(), Asked(people=type(crowd(1))(), style=given, alpha=1.0))
    assert drawn.is_applied, "a style alone needs neither"
    with pytest.raises(MissingModelFileError, match=r"w600k_r50\.onnx.*was not found"):
        found.apply(tiny_model(), Asked(people=crowd(1), style=given))


def test_a_recogniser_that_is_named_must_be_there(choose, store):
    store("a.safetensors")
    with pytest.raises(MissingModelFileError, match=r'"other/w600k_r50\.onnx" was not found'):
        choose(recogniser="other/w600k_r50.onnx")


def test_the_recogniser_is_that_which_the_file_names(choose, store, folders):
    pack = folders / "insightface" / "models" / "buffalo_l"
    pack.mkdir(parents=True)
    for name in ("w600k_r50.onnx", "glintr100.onnx"):
        (pack / name).write_bytes(bytes(range(256)) + name.encode())  # not looked into before it is needed
    store("a.safetensors", replace(GELU, recogniser="glintr100"))
    recogniser = choose().recogniser
    assert recogniser is not None
    assert choose(recogniser="buffalo_l/w600k_r50.onnx").recogniser.key != recogniser.key
    store("a.safetensors", replace(GELU, recogniser="unknown"))
    assert choose().recogniser is None


def test_a_clip_vision_of_the_width_is_taken_and_others_are_refused(choose, store, vision_model):  # noqa: F811
    store("a.safetensors")
    assert choose(clip_vision=vision_model(**SIZES, projection_dim=STYLE)).embedder is not None
    with pytest.raises(IncompatibleBaseModelError, match="wide"):
        choose(clip_vision=vision_model(**SIZES, projection_dim=STYLE + 1))


def test_two_files_of_the_width_are_not_guessed_between(choose, store, folders):
    store("a.safetensors")
    clip = {
        "vision_model.embeddings.class_embedding": torch.zeros(8),
        "vision_model.encoder.layers.0.layer_norm1.weight": torch.zeros(8),
        "vision_model.embeddings.patch_embedding.weight": torch.zeros(8, 3, 56, 56),
        "vision_model.embeddings.position_embedding.weight": torch.zeros(17, 8),
        "visual_projection.weight": torch.zeros(STYLE, 8),
    }
    (folders / "clip_vision").mkdir()
    for name in ("one.safetensors", "two.safetensors"):
        save_file(clip, folders / "clip_vision" / name)
    with pytest.raises(InvalidSettingError, match=r'"one.safetensors", "two.safetensors".*choose it by name'):
        choose()
