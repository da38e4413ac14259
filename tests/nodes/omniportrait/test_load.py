"""Load OmniPortrait: files from their folders."""

import pytest
import torch
from likeness.models.errors import MissingModelFileError
from likeness.models.omniportrait.checkpoint import BaseFile
from likeness.tests.models.omniportrait.small_adapter import small_encoder, write_adapter
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy


def test_files_are_chosen_from_their_folders_and_loaded(folders, run):
    from likeness.nodes.omniportrait.load import LoadOmniPortrait

    save_file(small_encoder().state_dict(), folders / "clip_vision" / "base.safetensors")
    whole, part = (folders / "omniportrait" / f"{name}.safetensors" for name in ("whole", "part"))
    write_adapter(whole)
    write_adapter(part, changed=["proj"], base=BaseFile.at(folders / "clip_vision" / "base.safetensors"))

    assert {entry.id: list(entry.options) for entry in LoadOmniPortrait.define_schema().inputs} == {
        "omniportrait": ["part.safetensors", "whole.safetensors"],
        "base": ["none", "base.safetensors"],
    }
    crops = torch.rand(1, 3, 16, 16)
    for omniportrait, base in (("whole.safetensors", "none"), ("part.safetensors", "base.safetensors")):
        (loaded,) = run(LoadOmniPortrait, omniportrait=omniportrait, base=base)
        assert torch.equal(loaded.adapter.image_encoder(crops), small_encoder()(crops))
    with pytest.raises(MissingModelFileError, match=r'"gone\.safetensors" was not found'):
        run(LoadOmniPortrait, omniportrait="whole.safetensors", base="gone.safetensors")
