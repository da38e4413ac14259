"""What a run is comes back to the bit, from files that cannot run code."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("accelerate")

from likeness.models.errors import InvalidSettingError, LikenessError
from likeness.tests.training.killing import killed_at
from likeness.tests.training.small_run import SmallFeed, config_for, final_state, new_run, trained
from likeness.training.loop import train
from likeness.training.run_folder import checkpoints, clean
from likeness.training.run_state import NUMBERS, OPTIMIZER, read_state, write_state
from likeness.training.seal import seal
from safetensors.torch import load_file, save_file


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run of two steps with an average, and the folder of its first checkpoint."""
    output = tmp_path_factory.mktemp("saved")
    config = config_for(output, steps=2, save_every=1, ema=0.5)
    trained(config)
    return config, checkpoints(output)[0][1]


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_a_checkpoint_holds_tensors_and_numbers_and_no_pickle(saved):
    _, folder = saved
    assert sorted(path.suffix for path in folder.iterdir()) == [".json"] * 2 + [".safetensors"] * 3
    for path in folder.iterdir():
        assert not path.read_bytes().startswith((b"\x80", b"PK"))


def test_random_numbers_go_on_where_they_were(saved, tmp_path):
    run = new_run(saved[0])
    random.gauss(0, 1)
    np.random.standard_normal(1)
    write_state(run, tmp_path)

    def drawn():
        return [random.gauss(0, 1), random.random(), *np.random.standard_normal(3), *torch.rand(3).tolist()]

    first = drawn()
    assert drawn() != first
    read_state(run, tmp_path)
    assert drawn() == first


class Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize(
    "name", ["custom_checkpoint_0.pkl", "random_states_0.pkl", "optimizer.bin", "scheduler.bin", "model.bin"]
)
def test_a_pickle_in_a_checkpoint_is_not_read(saved, tmp_path, name):
    config, folder = saved
    marker, copy = tmp_path / "ran", tmp_path / "step-00000001"
    shutil.copytree(folder, copy)
    (copy / name).write_bytes(pickle.dumps(Payload(marker)))
    (copy / "progress.json").unlink()
    seal(copy, 1)
    assert new_run(replace(config, run=replace(config.run, resume=copy))).step == 1
    (copy / "progress.json").write_text('{"step": 1}', encoding="utf-8")
    for file in (OPTIMIZER, NUMBERS, "model.safetensors"):
        (copy / file).unlink()
    with pytest.raises(InvalidSettingError, match="older version, with pickles, which could run code"):
        new_run(replace(config, run=replace(config.run, resume=copy)))
    assert not marker.exists()
    assert pickle.loads((copy / name).read_bytes()) is None  # it would have run
    assert marker.exists()


def changed(saved, tmp_path, change):
    """The configuration that goes on from a checkpoint whose files were changed before they were sealed."""
    config, folder = saved
    copy = shutil.copytree(folder, tmp_path / "step-00000001")
    (copy / "progress.json").unlink()
    change(copy)
    seal(copy, 1)
    return replace(config, run=replace(config.run, resume=copy))


def numbers(**values):
    def change(folder):
        said = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
        (folder / NUMBERS).write_text(json.dumps(said | values), encoding="utf-8")

    return change


def tensors(name, edit):
    def change(folder):
        held = load_file(folder / name)
        edit(held)
        save_file(held, folder / name)

    return change


CHANGES = {
    "no groups": numbers(groups=[]),
    "groups are a number": numbers(groups=4),
    "a group lacks its numbers": numbers(groups=[{"params": [0]}]),
    "no rate at all": numbers(rate={}),
    "a rate that is no number": numbers(
        rate={"base_lrs": ["x"], "last_epoch": 1, "_step_count": 2, "_last_lr": [1e-3]}
    ),
    "an endless rate": numbers(
        rate={"base_lrs": [1e-3], "last_epoch": 1, "_step_count": 2, "_last_lr": [float("inf")]}
    ),
    "no moments": tensors(OPTIMIZER, lambda held: held.pop("state.0.exp_avg")),
    "no average": numbers(average=None),
    "an average of words": numbers(average={"decay": "x"}),
    "the rate is a list": numbers(rate=[1]),
    "no table": lambda folder: (folder / NUMBERS).write_text("[]", encoding="utf-8"),
    "not JSON": lambda folder: (folder / NUMBERS).write_text("{", encoding="utf-8"),
    "deep JSON": lambda folder: (folder / NUMBERS).write_text("[" * 100_000, encoding="utf-8"),
    "no numbers": lambda folder: (folder / NUMBERS).unlink(),
    "no optimizer": lambda folder: (folder / OPTIMIZER).unlink(),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no random numbers": lambda folder: (folder / "random-00000.safetensors").unlink(),
    "other random numbers": tensors("random-00000.safetensors", lambda held: held.update(torch=torch.ones(3))),
    "foreign parameter": tensors(OPTIMIZER, lambda held: held.update({"state.99999.exp_avg": torch.ones(3)})),
    "a number too many": tensors(OPTIMIZER, lambda held: held.update({"state.x.exp_avg": torch.ones(3)})),
    "misshaped moments": tensors(OPTIMIZER, lambda held: held.update({"state.0.exp_avg": torch.ones(3, 77)})),
    "misshaped average": tensors(OPTIMIZER, lambda held: held.update({"average.0": torch.ones(3, 77)})),
    "lacking average": tensors(OPTIMIZER, lambda held: held.pop("average.0")),
    "NaN": tensors("model.safetensors", lambda held: next(iter(held.values())).fill_(torch.nan)),
    "lacking weights": tensors("model.safetensors", lambda held: held.pop(min(held))),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_else_is_sealed_is_refused_in_one_sentence(saved, tmp_path, what):
    config = changed(saved, tmp_path, CHANGES[what])
    with pytest.raises(LikenessError) as refused:
        new_run(config)
    assert "\n" not in str(refused.value)


def test_a_checkpoint_made_on_another_computer_is_gone_on_from(saved, tmp_path, monkeypatch):
    config, folder = saved
    there = shutil.copytree(folder, tmp_path / "their" / "checkpoints" / folder.name)
    for path in there.iterdir():
        os.utime(path, (0, 0))
    monkeypatch.setattr("socket.gethostname", lambda: "another-computer")
    run = new_run(replace(config, run=replace(config.run, output=tmp_path / "mine", resume=there)))
    train(run, SmallFeed(run))
    assert same(final_state(run), final_state(trained(config_for(tmp_path / "whole", steps=2, ema=0.5))))


def test_a_run_killed_anywhere_in_a_checkpoint_ends_in_the_same_bits(tmp_path):
    config = config_for(tmp_path / "whole", steps=3, save_every=1, keep=1, ema=0.5)
    expected = final_state(trained(config))
    for number in (2, 9, 14, 17, 19, 22):
        output = tmp_path / str(number)
        broken = replace(config, run=replace(config.run, output=output, steps=2))
        trained(replace(broken, run=replace(broken.run, steps=1)))
        assert killed_at(number, output, lambda again=broken: trained(again))
        clean(output)
        assert same(final_state(trained(replace(config, run=replace(config.run, output=output)))), expected)
