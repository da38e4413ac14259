import pytest
import torch
from likeness.models.errors import InvalidSettingError, UnknownCheckpointError
from likeness.models.ip_adapter.kinds import NEEDS, VERSIONS, Kind, recognise
from likeness.tests.models.ip_adapter.small_files import NETWORKS

HALF, FULL = {"1.to_k_ip.weight": torch.zeros(1).half()}, {"1.to_k_ip.weight": torch.zeros(1)}


def told(network, name="", *, layers=HALF, is_sdxl=False, version="auto"):
    return recognise(NETWORKS[network](), layers, name, is_sdxl=is_sdxl, version=version)


@pytest.mark.parametrize(
    ("network", "name", "version"),
    [
        ("plain", "ip-adapter_sd15_light_v11.bin", "plain"),
        ("full face", "ip-adapter-full-face_sd15.safetensors", "Full Face"),
        ("faceid", "ip-adapter-faceid_sd15.bin", "FaceID"),
        ("portrait", "ip-adapter-faceid-portrait-v11_sd15.bin", "FaceID Portrait"),
        ("portrait unnorm", "ip-adapter-faceid-portrait_sdxl_unnorm.bin", "FaceID Portrait unnorm"),
        ("faceid plus", "ip-adapter-faceid-plus_sd15.bin", "FaceID Plus"),
        ("faceid plus", "ip-adapter-faceid-plusv2_sd15.bin", "FaceID PlusV2"),
        ("faceid plus", "FaceID_Plus-V2.safetensors", "FaceID PlusV2"),
        ("faceid plus", "renamed.bin", "FaceID Plus"),
        ("plus", "ip-adapter-plus_sd15.safetensors", "Plus"),
        ("plus", "ip-adapter-plus-face_sd15.safetensors", "Plus Face"),
    ],
)
def test_published_files(network, name, version):
    found = told(network, name)
    assert found.version == version
    assert found.why.startswith(f"Taken as {version}")
    assert found.shortcut == (version == "FaceID PlusV2")


def test_the_shortcut_is_the_default_on_sdxl_and_can_be_overruled():
    assert told("faceid plus", "renamed.bin", is_sdxl=True).shortcut
    assert not told("faceid plus", "renamed.bin", is_sdxl=True, version="FaceID Plus").shortcut
    assert not told("faceid plus", "plusv2.bin", version="FaceID Plus").shortcut
    assert told("faceid plus", "plus.bin", version="FaceID PlusV2").shortcut


def test_the_sentence_names_what_decided():
    assert told("faceid plus", "plusv2.bin").why.endswith("by its name, for FaceID Plus has the same keys.")
    assert "its name does not say FaceID PlusV2" in told("faceid plus", "x.bin").why
    assert "published for SDXL" in told("faceid plus", "x.bin", is_sdxl=True).why
    assert told("plain").why == "Taken as plain, by its keys."
    assert told("plus", "plus-face", version="Plus").why == "Taken as Plus, as you chose."


def test_only_plus_face_and_its_like_want_a_crop_of_the_face():
    wanting = {version for version in VERSIONS if told(NETWORK_OF[version], version=version).is_of_faces}
    assert wanting == {"Plus Face", "Full Face", "FaceID Plus", "FaceID PlusV2"}


NETWORK_OF = {
    "plain": "plain",
    "Plus": "plus",
    "Plus Face": "plus",
    "Full Face": "full face",
    "FaceID": "faceid",
    "FaceID Plus": "faceid plus",
    "FaceID PlusV2": "faceid plus",
    "FaceID Portrait": "portrait",
    "FaceID Portrait unnorm": "portrait unnorm",
}


@pytest.mark.parametrize("network", NETWORKS)
def test_versions_that_contradict_the_keys_are_refused(network):
    for version, other in NETWORK_OF.items():
        if other == network:
            assert told(network, version=version).version == version
        else:
            with pytest.raises(InvalidSettingError, match=f'a file is no "{version}": its keys are those of'):
                told(network, "a file", version=version)
    with pytest.raises(InvalidSettingError, match='no "nonsense"'):
        told(network, version="nonsense")


def test_what_may_be_instantids_file_is_refused_unless_the_user_says_what_it_is():
    with pytest.raises(UnknownCheckpointError, match=r"may be InstantID's ip-adapter\.bin"):
        told("portrait unnorm", "ip-adapter.bin", layers=FULL)
    with pytest.raises(UnknownCheckpointError, match=r"may be InstantID's"):
        told("portrait unnorm", "ip-adapter-faceid-portrait_sdxl_unnorm.bin", layers=FULL)
    assert told("portrait unnorm", "ip-adapter.bin", layers=HALF).kind is Kind.PORTRAIT_UNNORM
    found = told("portrait unnorm", "ip-adapter.bin", layers=FULL, version="FaceID Portrait unnorm")
    assert found.kind is Kind.PORTRAIT_UNNORM
    assert told("plus", layers=FULL).kind is Kind.PLUS


def test_what_every_kind_needs():
    assert set(NEEDS) == set(Kind) == set(VERSIONS.values())
    assert {kind for kind, needs in NEEDS.items() if needs.face} == {
        Kind.FACEID,
        Kind.FACEID_PLUS,
        Kind.PORTRAIT,
        Kind.PORTRAIT_UNNORM,
    }
    assert {kind for kind, needs in NEEDS.items() if needs.clip == "pooled"} == {Kind.GLOBAL}
    assert {kind for kind, needs in NEEDS.items() if needs.clip == "tokens"} == {
        Kind.PLUS,
        Kind.FULL_FACE,
        Kind.FACEID_PLUS,
    }
    assert NEEDS[Kind.PORTRAIT_UNNORM].face == "raw"
    assert {kind for kind, needs in NEEDS.items() if needs.lora} == {Kind.FACEID, Kind.FACEID_PLUS}
