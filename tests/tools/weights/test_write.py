from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.weights.reading import read_metadata
from likeness.tools.portraits import astronaut, drawing
from likeness.tools.weights import write
from likeness.tools.weights.write import ALL, FACE_PARSING, WeightFile, fill, make, make_all, recipe_hash
from safetensors.torch import load_file


def small(name: str = "small.safetensors", width: int = 3, dtype: torch.dtype = torch.float16) -> WeightFile:
    return WeightFile(
        folder="loras", name=name, dtype=dtype, layout=lambda: {"": {"a.weight": (width, 4), "a.bias": (width,)}}
    )


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path))
    return tmp_path


def test_a_file_is_made_once(capsys):
    first = make(small())
    changed = first.stat().st_mtime_ns
    assert make(small()) == first
    assert first.stat().st_mtime_ns == changed
    assert capsys.readouterr().out.count("making") == 1


def test_the_same_recipe_gives_the_same_bytes(cache, monkeypatch):
    first = make(small()).read_bytes()
    monkeypatch.setenv("LIKENESS_CACHE", str(cache / "other"))
    assert make(small()).read_bytes() == first


@pytest.mark.parametrize("other", [small(width=5), small(dtype=torch.float32)])
def test_another_recipe_gets_another_place(other):
    assert recipe_hash(small(), small().layout()) != recipe_hash(other, other.layout())
    assert make(small()) != make(other)


def test_a_broken_off_run_leaves_nothing_under_the_final_name(cache, monkeypatch):
    def broken(tensors, name, metadata):
        with open(name, "wb") as file:
            file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(write, "save_file", broken)
    with pytest.raises(OSError, match="disk full"):
        make(small())
    assert not [file for file in cache.rglob("*") if file.is_file()]


def test_a_nested_pickle_keeps_its_parts():
    weights = WeightFile(folder="f", name="n.bin", layout=lambda: {"one": {"a": (2, 2)}, "two": {"b": (3,)}})
    loaded = torch.load(make(weights), weights_only=True)
    assert {part: list(tensors) for part, tensors in loaded.items()} == {"one": ["a"], "two": ["b"]}


def test_values_suit_their_role():
    layout = {
        "norm.weight": (8,),
        "norm.running_var": (8,),
        "norm.num_batches_tracked": (),
        "body.0.res_layer.3.weight": (8,),
        "deep.weight": (64, 10_000),
        "0.to_q_lora.up.weight": (64, 10_000),
    }
    tensors = fill({"": layout}, torch.float16)[""]
    assert (tensors["norm.weight"] == 1).all()
    assert (tensors["norm.running_var"] == 1).all()
    assert (tensors["body.0.res_layer.3.weight"] == 0.25).all()
    assert tensors["norm.num_batches_tracked"].dtype == torch.int64
    assert tensors["deep.weight"].float().std().item() == pytest.approx(0.01, rel=0.05)
    assert tensors["0.to_q_lora.up.weight"].float().std().item() == pytest.approx(0.001, rel=0.05)


def test_the_tensors_on_disk_are_the_layout():
    loaded = load_file(make(small()))
    assert {key: tuple(tensor.shape) for key, tensor in loaded.items()} == small().layout()[""]


def test_metadata_are_written_and_belong_to_the_recipe():
    noted = replace(small(), metadata=(("made", "here"),))
    assert read_metadata(make(noted)) == {"made": "here"}
    assert read_metadata(make(small())) == {}
    assert load_file(make(noted)).keys() == load_file(make(small())).keys()


def test_make_all_names_files_as_the_models_folder_does(cache):
    assert list(make_all([small()])) == ["loras/small.safetensors"]
    assert len({weights.path for weights in ALL}) == len(ALL)


def test_centred_kernels_sum_to_zero_and_nothing_else_changes():
    layout = {"": {"conv.weight": (4, 3, 3, 3), "linear.weight": (4, 6)}}
    plain, centred = (fill(layout, torch.float32, centred=flag)[""] for flag in (False, True))
    assert centred["conv.weight"].sum(dim=(1, 2, 3)).abs().max() < 1e-5
    assert plain["conv.weight"].sum(dim=(1, 2, 3)).abs().min() > 1e-3
    assert torch.equal(plain["linear.weight"], centred["linear.weight"])


def test_a_centred_file_gets_another_place():
    assert recipe_hash(small(), small().layout()) != recipe_hash(replace(small(), centred=True), small().layout())


@pytest.mark.parametrize("picture", [astronaut().picture, drawing(1).picture, drawing(2).picture])
def test_the_random_face_parser_finds_every_region(picture):
    """Face, eye, ear, nose and lip: all labels that prompts are made of lie somewhere, by chance."""
    from facexlib.parsing.bisenet import BiSeNet

    network = BiSeNet(19).eval()
    network.load_state_dict(fill(FACE_PARSING.layout(), FACE_PARSING.dtype, centred=FACE_PARSING.centred)[""])
    values = torch.from_numpy(np.asarray(picture.resize((256, 256)), dtype=np.float32)).permute(2, 0, 1)[None]
    with torch.no_grad():
        labels = network(values / 127.5 - 1)[0].argmax(dim=1)
    shares = torch.bincount(labels.flatten(), minlength=19) / labels.numel()
    for region in ((1,), (4, 5), (7, 8), (10,), (12, 13)):
        assert shares[list(region)].sum() > 0.001
    assert shares.max() < 0.5
