import pytest
import torch
from likeness.models.errors import UnknownCheckpointError
from likeness.models.ip_adapter.files import FILES, KINDS, groups
from likeness.models.weights.state_dict import flatten, identify
from likeness.tests.models.ip_adapter.small_files import NETWORKS, adapter_file, lora_file

EXPECTED = {
    "plain": "image prompt",
    "full face": "IP-Adapter Full Face",
    "faceid": "IP-Adapter FaceID",
    "portrait": "IP-Adapter FaceID",
    "faceid plus": "IP-Adapter FaceID Plus",
    "plus": "IP-Adapter Plus",
    "portrait unnorm": "IP-Adapter Plus",
}


@pytest.mark.parametrize("network", NETWORKS)
def test_one_kind_fits_each_network(network):
    keys = flatten(adapter_file(network))
    found = [signature.kind for signature in FILES if signature.matches(keys)]
    assert found == [EXPECTED[network]]
    assert found[0] in KINDS


@pytest.mark.parametrize("base", ["sd15", "sdxl"])
def test_the_separate_lora_is_recognised(base):
    found = identify(lora_file(base, alpha=4), FILES)
    assert found is not None
    assert found.kind == "IP-Adapter FaceID LoRA"


@pytest.mark.parametrize("network", NETWORKS)
def test_consistentid_is_another_file(network):
    assert identify([*flatten(adapter_file(network)), "FacialEncoder.a"], FILES) is None


def test_both_groups_under_every_name():
    one, two = torch.ones(1), torch.zeros(2)
    expected = ({"a.b": one}, {"1.c": two})
    assert groups({"image_proj.a.b": one, "ip_adapter.1.c": two}, "a file") == expected
    assert groups({"image_proj_model.a.b": one, "adapter_modules.1.c": two, "unet.d": one}, "a file") == expected
    with pytest.raises(UnknownCheckpointError, match=r"a file does not fit: keys 1 unexpected \(stranger\)"):
        groups({"image_proj.a": one, "stranger": two}, "a file")
