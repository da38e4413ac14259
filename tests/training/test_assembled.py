"""What the assembly of every method shares: the rows of a configuration, and its base model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.dataset.manifest import NOTES, PERSON_KEYS, ROW_KEYS
from likeness.dataset.rows import ManifestRows, ShardRows
from likeness.models.errors import IncompatibleBaseModelError, MissingModelFileError
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.training.small_pictures import (
    class_map,
    person,
    row,
    sample,
    write_manifest,
    write_pictures,
    write_shard,
)
from likeness.tests.training.small_run import config_for
from likeness.training.assembled import check_data, new_base, open_data, wanted_rows
from likeness.training.batches.index import Wanted
from likeness.training.config.run import COMMON_KEYS
from likeness.training.methods import CONFIGS
from safetensors.torch import save_file

CPU = torch.device("cpu")


def test_rows_come_from_the_manifest_or_from_the_shards(tmp_path):
    config, manifest = config_for(tmp_path), write_manifest(tmp_path, [row(1)])
    write_shard(tmp_path / "a.tar", [sample(2), sample(3)])
    one = open_data(replace(config, data=replace(config.data, manifest=manifest)))
    other = open_data(replace(config, data=replace(config.data, shards=(str(tmp_path / "*.tar"),))))
    assert (type(one), type(other)) == (ManifestRows, ShardRows)
    ids = [[parsed.row.id for _, parsed in source.scan()] for source in (one, other)]
    assert ids == [["000001"], ["000002", "000003"]]
    with pytest.raises(MissingModelFileError):
        open_data(replace(config, data=replace(config.data, manifest=tmp_path / "none.jsonl")))


@pytest.mark.parametrize(("mixed", "dtype"), [("no", torch.float32), ("bf16", torch.bfloat16)])
def test_the_base_is_frozen_in_the_type_and_with_the_prediction_asked_for(tmp_path, mixed, dtype):
    path = tmp_path / "base.safetensors"
    save_file(small_checkpoint("sd15"), path)
    config = config_for(tmp_path, mixed=mixed)
    asked = replace(config.base, checkpoint=path, prediction="v")
    base = new_base(replace(config, base=asked), CPU)
    assert (base.family, base.prediction, base.unet.dtype, base.vae.dtype) == ("sd15", "v", dtype, torch.float32)
    assert not any(weight.requires_grad for weight in base.unet.parameters())
    with pytest.raises(IncompatibleBaseModelError, match="asks for sdxl"):
        new_base(replace(config, base=replace(asked, family="sdxl")), CPU)


def test_the_rows_of_a_configuration_are_those_that_it_asks_for(tmp_path):
    config = config_for(tmp_path)
    plain = wanted_rows(config)
    assert plain == Wanted(split="train", size=512, fewest=1, most=1)
    data = replace(config.data, split="test", size=64, people=(2, 3), min_aes=5.0, max_wm=0.5, min_score=0.7)
    asked = {"split": "test", "size": 64, "fewest": 2, "most": 3, "min_aes": 5.0, "max_wm": 0.5, "min_score": 0.7}
    assert wanted_rows(replace(config, data=data)) == Wanted(**asked)


def test_every_key_of_a_manifest_is_read_by_a_method_or_is_a_note():
    known = {*ROW_KEYS, *(f"persons.{key}" for key in PERSON_KEYS)}
    read = set(COMMON_KEYS).union(*(config.reads for config in CONFIGS))
    assert read <= known
    assert known - read == set(NOTES)


def test_a_check_tells_what_the_method_of_a_configuration_passes_over(tmp_path, capsys):
    rows = [row(1, person(yaw=3, parse="p.png"), aes=6, src="x"), row(2, aes=2), row(3, person(), person(), aes=9)]
    write_pictures(tmp_path, rows)
    (tmp_path / "p.png").write_bytes(class_map())
    config, manifest = config_for(tmp_path), write_manifest(tmp_path, rows)
    data = replace(config.data, manifest=manifest, size=64, min_aes=5.0)
    assert check_data(replace(config, data=data)) == 0
    unread, _, used = capsys.readouterr().out.splitlines()
    assert unread.endswith(
        "not read by uniportrait-stage1: src (of 1 rows), persons.yaw (of 1 rows), persons.parse (of 1 rows)"
    )
    reasons = "1 with aes below 5, 1 with more than 1 people"
    assert used.endswith(f"uniportrait-stage1 trains on 1 of them; passed over: {reasons}")
    assert check_data(replace(config, data=replace(data, min_aes=10.0))) == 1
