"""The command that trains: from files to an adapter, on from where it broke off, and every refusal."""

from __future__ import annotations

import shutil

import pytest
import torch

pytest.importorskip("diffusers")

from accelerate.state import AcceleratorState
from likeness.models.uniportrait.checkpoint import load
from likeness.models.weights.reading import read_metadata
from likeness.tests.training.small_files import write_config, write_models
from likeness.tests.training.small_folder import files as files
from likeness.tests.training.small_folder import folder as folder
from likeness.training.__main__ import main
from likeness.training.config.file import read_config
from likeness.training.methods import CONFIGS
from likeness.training.run_folder import checkpoints
from PIL import Image
from safetensors.torch import load_file

STAGE1, STAGE2 = "uniportrait-stage1", "uniportrait-stage2"


def run(folder, name="config.toml", **keys) -> int:
    AcceleratorState._reset_state(True)
    return main([str(write_config(folder, name, method__rank=keys.pop("rank", 2), **keys))])


def test_two_stages_from_pictures_to_adapters(folder):
    samples = {
        "samples__every": 2, "samples__steps": 2, "samples__seeds": [1], "samples__prompts": ["a woman"],
        "samples__references": ["000000", "000004#1"],
    }  # fmt: skip
    assert run(folder, run__output="one", export__published_layout=True, **samples) == 0
    first = folder / "one" / f"{STAGE1}.safetensors"
    metadata = read_metadata(first)
    assert (metadata["format"], metadata["method"], metadata["base"]) == ("likeness/1", STAGE1, "sd15")
    assert (metadata["step"], metadata["seed"], metadata["people"]) == ("2", "0", "[1, 1]")
    published = load(folder / "one" / f"{STAGE1}.bin")
    ours = load(first)
    assert all(map(torch.equal, published.id_embedding.parameters(), ours.id_embedding.parameters()))
    [(_, checkpoint)] = checkpoints(folder / "one")
    assert load_file(checkpoint / "adapter.safetensors").keys() == load_file(first).keys()
    assert Image.open(folder / "one" / "samples" / "step-00000002.png").size[0] > 512
    started = {"method__name": STAGE2, "method__init_from": f"one/{STAGE1}.safetensors", "rank": None}
    assert run(folder, run__output="two", export__name="routers", **started, **samples) == 0
    both = load(first, folder / "two" / "routers.safetensors")
    assert len(both.routers) == 16
    assert both.multi_lora is not None
    assert (folder / "two" / "config-used.toml").read_text() == (folder / "config.toml").read_text()


@pytest.mark.parametrize("cache", ["none", "cache"])
def test_a_run_goes_on_to_the_identical_adapter(folder, cache):
    keys = {"data__cache": cache, "run__save_every": 1, "ema__decay": 0.9, "method__swap_identity": 0.5}
    assert run(folder, run__output="broken", run__steps=2, **keys) == 0
    assert run(folder, run__output="broken", run__steps=4, **keys) == 0
    shutil.rmtree(folder / "cache", ignore_errors=True)
    assert run(folder, run__output="whole", run__steps=4, **keys) == 0
    broken, whole = (load_file(folder / name / f"{STAGE1}.safetensors") for name in ("broken", "whole"))
    assert broken.keys() == whole.keys()
    assert all(torch.equal(broken[key], whole[key]) for key in whole)
    assert [step for step, _ in checkpoints(folder / "whole")] == [2, 3, 4]


def test_training_goes_on_from_the_published_layout_at_its_rank(folder):
    assert run(folder, run__output="one", rank=3, export__published_layout=True, export__dtype="fp32") == 0
    started = {"method__init_from": f"one/{STAGE1}.bin", "optimizer__learning_rate": 1e-30, "export__dtype": "fp32"}
    assert run(folder, run__output="on", rank=None, **started) == 0
    before, after = (load_file(folder / name / f"{STAGE1}.safetensors") for name in ("one", "on"))
    assert all(torch.allclose(before[key], after[key], rtol=0, atol=1e-20) for key in before)


def test_routers_go_on_from_a_file(folder):
    assert run(folder, run__output="one") == 0
    started = {
        "method__name": STAGE2, "method__init_from": f"one/{STAGE1}.safetensors", "optimizer__learning_rate": 1e-30,
        "export__dtype": "fp32", "rank": None,
    }  # fmt: skip
    assert run(folder, run__output="two", **started) == 0
    assert run(folder, run__output="on", method__init_router=f"two/{STAGE2}.safetensors", run__seed=9, **started) == 0
    before, after = (load_file(folder / name / f"{STAGE2}.safetensors") for name in ("two", "on"))
    assert all(torch.allclose(before[key], after[key], rtol=0, atol=1e-20) for key in before)


def test_sdxl_trains_too(folder):
    (folder / "models").unlink()
    write_models(folder / "models", "sdxl")
    assert run(folder) == 0
    assert read_metadata(folder / "run" / f"{STAGE1}.safetensors")["base"] == "sdxl"


def test_shards_train_too(folder):
    from likeness.tests.training.small_pictures import sample, write_shard

    write_shard(folder / "train-0.tar", [sample(number) for number in range(3)])
    assert run(folder, data__manifest=None, data__shards=["train-{0..0}.tar"]) == 0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"run__steps": 0}, "[run] steps is 0; choose a whole number from 1 up."),
        (
            {"samples__every": 1, "samples__prompts": ["a"], "samples__references": ["nobody", "000000#7"]},
            '[samples] references names "nobody": no row without errors has the id "nobody"; name one of the manifest.\n'
            '[samples] references names "000000#7": the row has 1 persons, counted from 0; name one of them.',
        ),
        ({"data__split": "test"}, 'There is no row to train on; passed over: 8 in another split than "test".'),
        ({"base__family": "sdxl"}, "is a checkpoint of sd15, the configuration asks for sdxl; change one of them."),
        ({"base__backbone": "models/base.safetensors"}, '"base.safetensors" is not a face backbone'),
        ({"base__clip_vision": "models/base.safetensors"}, "CLIP image encoder, does not fit"),
        ({"method__init_from": "models/backbone.bin"}, '"backbone.bin" is not a UniPortrait faceid file'),
        ({"data__shards": ["no-*.tar"], "data__manifest": None}, "No shard fits"),
    ],
)
def test_a_fault_is_told_and_nothing_is_trained(folder, capsys, keys, message):
    assert run(folder, **keys) == 1
    assert message in capsys.readouterr().err
    assert not (folder / "run").exists()


def test_a_check_tells_of_the_data_and_trains_nothing(folder, capsys):
    path = write_config(folder, "config.toml", method__rank=2, data__min_score=0.5)
    assert main([str(path), "--check"]) == 1
    *_, usable, used = capsys.readouterr().out.splitlines()
    assert "8 of 8 rows usable" in usable
    assert used.endswith("uniportrait-stage1 trains on 0 of them; passed over: 8 with face points without score")
    assert main([str(write_config(folder, "config.toml", method__rank=2)), "--check"]) == 0
    assert not (folder / "run").exists()


def test_a_rank_that_the_file_has_not_is_refused(folder, capsys):
    assert run(folder, run__output="one") == 0
    assert run(folder, rank=4, method__init_from=f"one/{STAGE1}.safetensors") == 1
    assert f'rank is 4, but the LoRA of "{STAGE1}.safetensors" has 2; remove rank' in capsys.readouterr().err


def test_a_new_beginning_does_not_mix_with_an_old_run(folder, capsys):
    assert run(folder) == 0
    before = sorted((folder / "run").rglob("*"))
    assert run(folder, run__resume="none") == 1
    assert "holds checkpoints up to step 2; choose another output folder" in capsys.readouterr().err
    assert sorted((folder / "run").rglob("*")) == before


def test_an_interrupted_run_says_where_it_goes_on(folder, capsys, monkeypatch):
    assert run(folder) == 0

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("likeness.training.__main__.train", interrupt)
    assert run(folder, run__steps=4) == 130
    assert "the same command goes on from step 2." in capsys.readouterr().err


def test_the_configuration_is_read_once_more_as_it_was_used(folder):
    assert run(folder, run__seed=5) == 0
    used = folder / "run" / "config-used.toml"
    shutil.copy(used, folder / "again.toml")
    assert read_config(folder / "again.toml", CONFIGS) == read_config(folder / "config.toml", CONFIGS)
