import pytest
import torch
from likeness.models.errors import MissingModelFileError
from likeness.models.omniportrait.checkpoint import BaseFile
from likeness.models.omniportrait.references import Person, References
from likeness.tests.models.omniportrait.small_adapter import small_encoder, small_pivot, write_adapter
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The model folders, empty."""
    import folder_paths

    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {})
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    for name in ("omniportrait", "clip_vision"):
        (tmp_path / name).mkdir()
        folder_paths.folder_names_and_paths[name] = ([str(tmp_path / name)], folder_paths.supported_pt_extensions)
    return tmp_path


def run(node, **inputs):
    with torch.inference_mode():
        return node.execute(**inputs).result


def options(schema):
    return {entry.id: list(entry.options) for entry in schema.inputs}


def test_files_are_chosen_from_their_folders_and_loaded(folders):
    from likeness.nodes.omniportrait.prompt import LoadOmniPortrait

    save_file(small_encoder().state_dict(), folders / "clip_vision" / "base.safetensors")
    whole, part = (folders / "omniportrait" / f"{name}.safetensors" for name in ("whole", "part"))
    write_adapter(whole)
    write_adapter(part, changed=["proj"], base=BaseFile.at(folders / "clip_vision" / "base.safetensors"))

    assert options(LoadOmniPortrait.define_schema()) == {
        "omniportrait": ["part.safetensors", "whole.safetensors"],
        "base": ["none", "base.safetensors"],
    }
    crops = torch.rand(1, 3, 16, 16)
    for omniportrait, base in (("whole.safetensors", "none"), ("part.safetensors", "base.safetensors")):
        (loaded,) = run(LoadOmniPortrait, omniportrait=omniportrait, base=base)
        assert torch.equal(loaded.adapter.image_encoder(crops), small_encoder()(crops))
    with pytest.raises(MissingModelFileError, match=r'"gone\.safetensors" was not found'):
        run(LoadOmniPortrait, omniportrait="whole.safetensors", base="gone.safetensors")


@pytest.fixture
def clip():
    """A CLIP of ComfyUI's own classes, 24 wide, with random weights."""
    from types import SimpleNamespace

    import comfy.sd
    from comfy import sd1_clip

    config = {"hidden_size": 24, "intermediate_size": 48, "num_attention_heads": 2, "num_hidden_layers": 3}
    target = SimpleNamespace(params={}, clip=sd1_clip.SD1ClipModel, tokenizer=sd1_clip.SD1Tokenizer)
    made = comfy.sd.CLIP(target, model_options={"clip_l_model_config": config, "dtype": torch.float32})
    generator = torch.Generator().manual_seed(6)
    for parameter in made.cond_stage_model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return made


def test_the_prompt_node_gives_conditioning_and_the_text_without_markers(folders, clip):
    from likeness.host.omniportrait.adapter import load_omniportrait
    from likeness.nodes.omniportrait.prompt import EncodeOmniPortraitPrompt

    crops = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(7))
    people = References((Person(name="one", crops=crops[:1]), Person(name="two", crops=crops[1:])))
    adapter = load_omniportrait(write_adapter(folders / "a.safetensors", pivot=small_pivot(24)))
    given = {"clip": clip, "references": people, "text": "a (man @id2:1.2), a woman @id1"}
    [[fused, known]], text = run(EncodeOmniPortraitPrompt, **given, strength=1.0, omniportrait=adapter)
    [[plain, noted]], same = run(EncodeOmniPortraitPrompt, **given, strength=1.0)
    assert text == same == "a (man:1.2), a woman"
    assert known["likeness.pivots"] == noted["likeness.pivots"] == ((1, 2), (0, 5))
    assert (fused != plain).any(-1)[0].nonzero().flatten().tolist() == [2, 5]
    [[kept, _]], _ = run(EncodeOmniPortraitPrompt, **given, strength=0.0, omniportrait=adapter)
    assert torch.equal(kept, plain)
