"""What is missing for a method, by what is there."""

from __future__ import annotations

import pytest
from likeness.models.clip.needs import IMAGE_ENCODER, IMAGE_ENCODER_BIGG
from likeness.models.doctor.catalogue import needs_for
from likeness.models.doctor.checking import check
from likeness.models.doctor.looking import folders_below, look
from likeness.tests.models.doctor import small_models
from likeness.tests.models.doctor.small_models import put
from likeness.tests.models.face import synthetic_detectors


@pytest.fixture
def missing(tmp_path):
    """From each family to the purposes of what is missing, for a method."""

    def run(method):
        [needs] = needs_for(method)
        states = check(needs, look(folders_below(tmp_path)))
        return {state.base: [want.want.purpose for want in state.missing] for state in states}

    return run


def put_recogniser(models, name="insightface/models/buffalo_l/w600k_r50.onnx"):
    path = models / name
    path.parent.mkdir(parents=True, exist_ok=True)
    synthetic_detectors.arcface(path)


def test_with_nothing_everything_that_must_be_there_is_missing(missing):
    assert missing("UniPortrait") == {"SD1.5": ["checkpoint", "adapter", "face backbone", "image encoder"]}


def test_what_serves_is_not_missing_whatever_its_name(missing, tmp_path):
    put(tmp_path, "checkpoints/x.safetensors", small_models.checkpoint(768))
    put(tmp_path, "uniportrait/y.bin", small_models.faceid())
    put(tmp_path, "uniportrait/z.bin", small_models.backbone())
    put(tmp_path, "clip_vision/model.safetensors", small_models.clip_vision(1280))
    assert missing("UniPortrait") == {"SD1.5": []}
    [needs] = needs_for("UniPortrait")
    [state] = check(needs, look(folders_below(tmp_path)))
    assert [want.want.purpose for want in state.lacking] == ["router", "face detector", "image prompt", "ControlNet"]


def test_a_checkpoint_of_another_family_does_not_serve(missing, tmp_path):
    put(tmp_path, "checkpoints/x.safetensors", small_models.checkpoint(2048))
    assert missing("OmniPortrait - guidance") == {"SD1.5": ["checkpoint"], "SDXL": []}


def test_an_image_encoder_of_another_size_does_not_serve(missing, tmp_path):
    put(tmp_path, "clip_vision/x.safetensors", small_models.clip_vision(1024))
    assert "image encoder" in missing("UniPortrait")["SD1.5"]


def test_an_adapter_of_one_family_serves_that_alone(missing, tmp_path):
    put(tmp_path, "consistentid/x.bin", small_models.consistentid(2048))
    assert "adapter" in missing("ConsistentID")["SD1.5"]
    assert "adapter" not in missing("ConsistentID")["SDXL"]


def test_the_adapter_that_is_there_says_which_image_encoder_is_needed(tmp_path):
    put(tmp_path, "ipadapter/x.safetensors", small_models.plain_adapter(768, 1280))
    [needs] = needs_for("IP-Adapter - pictures")
    sd15, sdxl = check(needs, look(folders_below(tmp_path)))
    assert [(want.encoders, want.choices) for want in sd15.missing if want.want.purpose == "image encoder"] == [
        (("ViT-bigG",), (IMAGE_ENCODER_BIGG,))
    ]
    assert [want.choices[0] for want in sdxl.missing if want.want.purpose == "image encoder"] == [IMAGE_ENCODER_BIGG]


def test_without_an_adapter_the_published_one_says_it():
    [needs] = needs_for("IP-Adapter - faces")
    for state in check(needs, []):
        [encoder] = [want for want in state.missing if want.want.purpose == "image encoder"]
        assert encoder.choices == (IMAGE_ENCODER,)


def test_an_adapter_that_reads_faces_alone_needs_no_image_encoder(missing, tmp_path):
    tensors = small_models.weights(
        image_proj__proj__0__weight=(2, 512), image_proj__norm__weight=(1,), ip_adapter__1__to_k_ip__weight=(2, 768)
    )
    put(tmp_path, "ipadapter/x.bin", tensors)
    assert "image encoder" not in missing("IP-Adapter - faces")["SD1.5"]
    assert "image encoder" in missing("IP-Adapter - faces")["SDXL"]


def test_a_recogniser_counts_under_the_name_that_auto_takes(missing, tmp_path):
    put_recogniser(tmp_path, "insightface/models/other/glint.onnx")
    assert "face recogniser" in missing("ConsistentID")["SD1.5"]
    assert missing("Score Likeness") == {"": []}
    put_recogniser(tmp_path)
    assert "face recogniser" not in missing("ConsistentID")["SD1.5"]


def test_a_damaged_file_does_not_serve(missing, tmp_path):
    path = put(tmp_path, "uniportrait/x.safetensors", small_models.faceid())
    assert "adapter" not in missing("UniPortrait")["SD1.5"]
    path.write_bytes(path.read_bytes()[:-10])
    assert "adapter" in missing("UniPortrait")["SD1.5"]


def test_a_file_in_the_wrong_folder_does_not_serve(missing, tmp_path):
    put(tmp_path, "checkpoints/x.bin", small_models.faceid())
    assert "adapter" in missing("UniPortrait")["SD1.5"]
