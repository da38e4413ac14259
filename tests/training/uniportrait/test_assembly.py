"""UniPortrait's stages from a configuration: which networks, which data, and what an adapter says of them."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.models.errors import InvalidSettingError
from likeness.tests.training.small_files import write_config, write_data, write_models
from likeness.training.assembly import assemble
from likeness.training.config.file import read_config
from likeness.training.export import export
from likeness.training.methods import CONFIGS
from likeness.training.uniportrait.stage1 import StageOne
from likeness.training.uniportrait.stage2 import StageTwo


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models, pictures, and the export of a stage I that learned nothing."""
    made = tmp_path_factory.mktemp("files")
    write_models(made / "models")
    write_data(made / "data")
    export(
        assembled(made, method__rank=2).method.weights(), made / "first.safetensors", details={}, dtype=torch.float32
    )
    return made


def assembled(folder, **keys):
    return assemble(read_config(write_config(folder, **keys), CONFIGS), torch.device("cpu"))


SAMPLES = {"samples__every": 1, "samples__prompts": ["a woman"], "samples__references": ["000004#0", "000004#1"]}


def test_stage_one_is_new_and_sees_people_in_other_pictures(folder):
    parts = assembled(folder, method__rank=3, method__swap_identity=1.0, method__drop_face=0.5, **SAMPLES)
    method = parts.method
    assert isinstance(method, StageOne)
    assert method.dropping.face == 0.5
    assert method.lora.pairs()[0]["q"][0].shape[0] == 3
    examples = [parts.dataset[place] for place in range(len(parts.dataset))]
    assert len(examples) == 4  # those of one person
    swapped = [one.intrinsic.key != one.structure.key for example in examples for one in example.people]
    assert sum(swapped) == 2  # both pictures of Ann
    assert not parts.sheet.together
    assert parts.details == {"clip_vision": "clip_vision.safetensors", "backbone": "backbone.bin"}


def test_stage_two_begins_with_stage_one_and_has_new_routers(folder):
    started = {"method__name": "uniportrait-stage2", "method__init_from": "first.safetensors", "method__tau": 0.5}
    started |= {"method__route_weight": 0.3, "method__route_loss": "mean"}
    parts = assembled(folder, **started, **SAMPLES)
    method, first = parts.method, assembled(folder, method__rank=2).method
    assert isinstance(method, StageTwo)
    assert torch.equal(method.networks.id_embedding.latents, first.id_embedding.latents)
    assert set(method.routers) == set(method.networks.attention)
    routing = method.routing
    assert (routing.weight, routing.form, routing.tau) == (0.3, "mean", 0.5)
    assert {len(parts.dataset[place].people) for place in range(len(parts.dataset))} == {2}
    assert parts.sheet.together
    assert len(parts.sheet.sitters) == 2


def test_no_sheet_where_none_is_wanted_and_a_cache_where_one_is(folder):
    parts = assembled(folder, method__rank=2, data__cache="cache")
    assert parts.sheet is None
    assert parts.dataset[0].pixels is not None
    parts.encode([parts.dataset[0]])
    assert parts.dataset[0].pixels is None


def test_a_rank_that_is_not_the_files_is_refused(folder):
    with pytest.raises(InvalidSettingError, match=r'rank is 4, but the LoRA of "first.safetensors" has 2'):
        assembled(folder, method__rank=4, method__init_from="first.safetensors")
