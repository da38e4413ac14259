"""The command that trains a pivot: from files to an adapter that loads, on from where it broke off, and every refusal."""

from __future__ import annotations

import json
import logging
import shutil

import pytest
import torch

pytest.importorskip("diffusers")

from accelerate.state import AcceleratorState
from likeness.models.errors import UnknownCheckpointError
from likeness.models.omniportrait.checkpoint import load, load_image_encoder
from likeness.models.weights.head import sha256
from likeness.models.weights.reading import read_metadata
from likeness.tests.training.small_files import PIVOT, TOWER, write_config, write_models
from likeness.tests.training.small_folder import files as files
from likeness.tests.training.small_folder import folder as folder
from likeness.tests.training.small_pictures import class_map, person, row, write_manifest, write_pictures
from likeness.training.__main__ import main
from likeness.training.run_folder import checkpoints
from PIL import Image
from safetensors.torch import load_file

NAME = "omniportrait-pivot.safetensors"
LAST_BLOCKS = ("visual.transformer.resblocks.1.", "visual.transformer.resblocks.2.", "visual.ln_post.", "visual.proj")


def run(folder, **keys) -> int:
    AcceleratorState._reset_state(True)
    quick = {"optimizer__learning_rate": 1e-2, "optimizer__warmup_steps": 0, "export__dtype": "fp32"}
    return main([str(write_config(folder, **{**PIVOT, **quick, **keys}))])


def test_a_pivot_from_pictures_to_an_adapter(folder):
    samples = {
        "samples__every": 2, "samples__steps": 2, "samples__seeds": [1], "samples__prompts": ["a woman", "a cat @id1"],
        "samples__references": ["000000"],
    }  # fmt: skip
    assert run(folder, **samples) == 0
    path = folder / "run" / NAME
    metadata, adapter = read_metadata(path), load(path)
    assert (metadata["format"], metadata["method"], metadata["base"]) == ("likeness/1", "omniportrait-pivot", "sd15")
    assert (metadata["step"], metadata["visual"], metadata["eta"]) == ("2", "full", "0.002")
    assert "visual_base" not in metadata
    assert (adapter.config, adapter.context_dim) == (TOWER, 64)
    begun = load_image_encoder(folder / "models" / "tower.safetensors", TOWER).state_dict()
    assert all(not torch.equal(tensor, begun[key]) for key, tensor in adapter.image_encoder.state_dict().items())
    [(_, checkpoint)] = checkpoints(folder / "run")
    stored = load_file(path)
    assert all(torch.equal(load_file(checkpoint / "adapter.safetensors")[key], stored[key]) for key in stored)
    assert Image.open(folder / "run" / "samples" / "step-00000002.png").size[0] > 100


@pytest.mark.parametrize(("visual", "kept"), [("last2", LAST_BLOCKS), ("linear", ())])
def test_a_file_holds_what_was_trained_and_names_the_rest(folder, visual, kept):
    tower = folder / "models" / "tower.safetensors"
    assert run(folder, method__visual=visual) == 0
    path = folder / "run" / NAME
    visuals = {key for key in load_file(path) if key.startswith("visual.")}
    begun = load_image_encoder(tower, TOWER).state_dict()
    assert visuals == {key for key in begun if key.startswith(kept)}
    metadata, adapter = read_metadata(path), load(path, tower)
    assert (metadata["visual_base"], metadata["visual_base_sha256"]) == ("tower.safetensors", sha256(tower))
    trained = adapter.image_encoder.state_dict()
    assert {key for key in begun if not torch.equal(begun[key], trained[key])} == visuals
    with pytest.raises(UnknownCheckpointError, match="choose that file as base"):
        load(path)
    if visual == "linear":
        assert {len(state) for state in states(folder / "run")} == {2}  # checkpoints hold the linear layer alone


def states(output):
    """What accelerate saved of the trained weights, for every checkpoint."""
    return [load_file(found / "model.safetensors") for _, found in checkpoints(output)]


@pytest.mark.parametrize("cache", ["none", "cache"])
def test_a_run_goes_on_to_the_identical_adapter(folder, cache):
    keys = {"data__cache": cache, "run__save_every": 1, "ema__decay": 0.9, "method__visual": "last2"}
    assert run(folder, run__output="broken", run__steps=2, **keys) == 0
    assert run(folder, run__output="broken", run__steps=4, **keys) == 0
    shutil.rmtree(folder / "cache", ignore_errors=True)
    assert run(folder, run__output="whole", run__steps=4, **keys) == 0
    broken, whole = (load_file(folder / name / NAME) for name in ("broken", "whole"))
    assert broken.keys() == whole.keys()
    assert all(torch.equal(broken[key], whole[key]) for key in whole)


def test_half_precision_trains_too(folder):
    assert run(folder, precision__mixed="bf16", run__steps=1) == 0
    assert all(tensor.dtype == torch.float32 for tensor in load_file(folder / "run" / NAME).values())


def test_checkpointing_changes_no_bit(folder):
    assert run(folder, run__output="plain", run__steps=1) == 0
    assert run(folder, run__output="thrifty", run__steps=1, precision__gradient_checkpointing=True) == 0
    plain, thrifty = (load_file(folder / name / NAME) for name in ("plain", "thrifty"))
    assert all(torch.equal(plain[key], thrifty[key]) for key in plain)


def test_training_goes_on_from_an_adapter_and_its_base(folder):
    told = dict.fromkeys(("method__pivot_activation", "method__pivot_mean", "method__pivot_std"))
    still = {"method__init_from": f"one/{NAME}", "optimizer__learning_rate": 1e-30, **told}
    assert run(folder, run__output="one", method__visual="last2") == 0
    assert run(folder, run__output="on", method__visual="linear", **still) == 0
    before, after = (load_file(folder / name / NAME) for name in ("one", "on"))
    assert before.keys() == after.keys()  # what the first run changed is still not in the base
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert run(folder, run__output="two") == 0
    still |= {"method__init_from": f"two/{NAME}", "method__pivot": None, "method__visual": "linear"}
    assert run(folder, run__output="whole", **still) == 0
    assert load(folder / "whole" / NAME).config == TOWER  # the whole tower: there is no file that has the rest


def test_sdxl_trains_too(folder):
    (folder / "models").unlink()
    write_models(folder / "models", "sdxl")
    assert run(folder) == 0
    assert load(folder / "run" / NAME).context_dim == 96


def test_people_are_found_by_the_nouns_that_the_manifest_names(folder, caplog):
    caption = "a knight and a wizard"
    spans = [(2, 8), (15, 21)]
    nouns = [{"word": caption[a:b], "span": [a, b], "person": place} for place, (a, b) in enumerate(spans)]
    both = (person(8, 20, 28, parse="p.png"), person(44, 20, 28))
    rows = [
        row(0, *both, caption=caption, nouns=nouns),
        row(1, *both, caption=caption, nouns=nouns[:1]),
        row(2, *both, caption="a man and a woman"),
        row(3, caption="a cat"),
    ]
    (folder / "data").unlink()
    (folder / "data").mkdir()
    write_pictures(folder / "data", rows)
    write_manifest(folder / "data", rows)
    (folder / "data" / "p.png").write_bytes(class_map(1))
    with caplog.at_level(logging.INFO):
        assert run(folder, data__people=[1, 2]) == 0
    assert "1 rows to train on; passed over: 3 whose caption has no noun for everybody" in caplog.text


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"method__pivot": "models/clip_vision.safetensors"}, "image encoder, "),
        ({"method__init_from": "models/base.safetensors", "method__pivot_activation": None, "method__pivot_mean": None,
          "method__pivot_std": None}, '"base.safetensors" is not an OmniPortrait file'),
        ({"samples__every": 1, "samples__references": ["000000"], "samples__prompts": ["red, " * 40 + "a man"]},
         "is no whole word of the first 75 tokens; move it forwards."),
    ],
)  # fmt: skip
def test_a_fault_is_told_and_nothing_is_trained(folder, capsys, keys, message):
    assert run(folder, **keys) == 1
    assert message in capsys.readouterr().err
    assert not (folder / "run").exists()


def test_an_adapter_for_another_width_is_refused(folder, capsys):
    assert run(folder, run__output="one") == 0
    (folder / "models").unlink()
    write_models(folder / "models", "sdxl")
    told = dict.fromkeys(("method__pivot_activation", "method__pivot_mean", "method__pivot_std"))
    assert run(folder, method__init_from=f"one/{NAME}", **told) == 1
    assert "fuses text 64 wide, this base reads text 96 wide" in capsys.readouterr().err


def test_the_file_is_json_where_it_says_what_no_tensor_tells(folder):
    assert run(folder, run__steps=1) == 0
    said = json.loads(read_metadata(folder / "run" / NAME)["image_encoder"])
    assert (said["activation"], said["mean"], said["std"]) == ("quick_gelu", [0.5, 0.4, 0.3], [0.2, 0.3, 0.4])
