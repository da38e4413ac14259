"""What the assembly of every method shares: the rows of a configuration, and its base model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.dataset.rows import ManifestRows, ShardRows
from likeness.models.errors import IncompatibleBaseModelError, MissingModelFileError
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.training.small_pictures import row, sample, write_manifest, write_shard
from likeness.tests.training.small_run import config_for
from likeness.training.assembled import new_base, open_data
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
