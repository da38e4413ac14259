"""Load ConsistentID's files: found by their content, each encoder missed only when it is needed."""

import pytest
import torch
from likeness.models.errors import MissingModelFileError, UnknownCheckpointError
from likeness.tests.models.consistentid.small_encoders import SmallParser
from likeness.tests.models.face import synthetic_detectors

pytestmark = pytest.mark.comfy


@pytest.fixture
def choose():
    from likeness.host.consistentid.adapter import choose_consistentid

    return choose_consistentid


def test_auto_finds_the_adapter_whatever_its_name(put, choose, consistentid_files, folders):
    put(consistentid_files("sdxl"), "consistentid/z.bin")
    put(consistentid_files("sd15"), "consistentid/some/name.bin")
    torch.save({"lora_unet": torch.zeros(1)}, folders / "consistentid/a.bin")
    assert len(choose().adapter.attention) == 16  # the first by name that is one
    assert len(choose(consistentid="z.bin").adapter.attention) == 70
    with pytest.raises(UnknownCheckpointError, match="a LoRA"):
        choose(consistentid="a.bin")


def test_without_an_adapter_the_folder_is_named(choose, folders):
    with pytest.raises(MissingModelFileError, match=r"No ConsistentID file was found in .*consistentid; put one there"):
        choose()


def test_without_encoders_it_is_loaded_all_the_same(put, choose, consistentid_files):
    put(consistentid_files(), "consistentid/a.bin")
    encoders = choose().encoders
    assert (encoders.clip, encoders.parser, encoders.recogniser) == (None, None, None)


def test_the_recogniser_that_the_weights_know_is_found(put, choose, consistentid_files, folders):
    put(consistentid_files(), "consistentid/a.bin")
    wanted = synthetic_detectors.arcface(folders / "insightface/models/buffalo_l/w600k_r50.onnx")
    synthetic_detectors.arcface(folders / "insightface/models/antelopev2/glintr100.onnx")
    assert choose().encoders.recogniser.recogniser.path == wanted
    other = choose(recogniser="antelopev2/glintr100.onnx").encoders.recogniser
    assert other.recogniser.path.name == "glintr100.onnx"


def test_a_face_parser_is_found_and_shared(put, choose, consistentid_files, folders):
    from likeness.models.face.parsing import FaceParser, new_bisenet

    pytest.importorskip("facexlib")
    put(consistentid_files(), "consistentid/a.bin")
    (folders / "face_parsing").mkdir()
    torch.save(FaceParser(new_bisenet()).network.state_dict(), folders / "face_parsing/any.pth")
    one, other = (choose().encoders.parser.parser for _ in range(2))
    assert one is other


def test_sockets_overrule_files(put, choose, consistentid_files, wide_vision):
    put(consistentid_files(), "consistentid/a.bin")
    parser = SmallParser()
    encoders = choose(clip_vision=wide_vision, face_parser=parser).encoders
    assert encoders.clip.encoder.clip_vision is wide_vision
    assert encoders.parser.parser is parser


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_the_published_nesting_of_both_files_is_read(put, choose, consistentid_files, kind):
    put(consistentid_files(kind), "consistentid/a.bin")
    loaded, count = choose(), {"sd15": 16, "sdxl": 70}[kind]
    assert len(loaded.adapter.attention) == count
    assert len(loaded.adapter.lora) == 2 * count
    assert loaded.flavour.mode == "published"
    assert loaded.flavour.pipeline.name == "sd15"  # a context 24 wide is not SDXL's


def test_mode_and_purpose_are_handed_on(put, choose, consistentid_files):
    put(consistentid_files(), "consistentid/a.bin")
    loaded = choose(mode="corrected", purpose="inpaint")
    assert loaded.flavour.mode == "corrected"
    assert loaded.flavour.pipeline.name == "inpaint"
