import pytest
import torch
from likeness.models.consistentid.facial_regions import FacialRegion

pytestmark = pytest.mark.comfy


def test_regions_are_fused_into_every_entry_and_the_given_ones_stay(consistentid):
    from likeness.host.consistentid.conditioning import fuse

    generator = torch.Generator().manual_seed(0)
    entries = [[torch.randn(1, 6, 24, generator=generator), {"number": number}] for number in range(2)]
    before = [tensor.clone() for tensor, _ in entries]
    region = FacialRegion(name="Nose", vector=torch.randn(1, 24, generator=generator))
    fused = fuse(consistentid(), entries, [2], [region])
    for (tensor, _), (given, _), kept in zip(fused, entries, before, strict=True):
        assert torch.equal(given, kept)
        assert (tensor != given).any(-1)[0].nonzero().flatten().tolist() == [2]
    assert [options["number"] for _, options in fused] == [0, 1]
    assert fuse(consistentid(), entries, [], []) is entries
