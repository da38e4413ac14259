"""What files may hold: the keys of every method, and which methods know a key."""

from __future__ import annotations

from likeness.training.config.schema import Schema
from likeness.training.methods import CONFIGS

STAGE1, STAGE2, PIVOT, FACEID, FACESTUDIO, PRIOR = (config.name for config in CONFIGS)


def test_the_name_chooses_among_all_methods_and_stands_first():
    schema = Schema(CONFIGS)
    assert schema.name.rule.words == (STAGE1, STAGE2, PIVOT, FACEID, FACESTUDIO, PRIOR)
    assert schema.name.text == (
        "a stage of UniPortrait, or OmniPortrait's Pivot ID Encoder, or IP-Adapter FaceID, or FaceStudio, or FaceStudio's prior"
    )
    assert {next(iter(keys["method"])) for keys in schema.by_method.values()} == {"name"}


def test_a_key_is_known_to_those_methods_that_use_it():
    users = Schema(CONFIGS).users
    assert users("method", "tau") == [STAGE2]
    assert users("method", "rank") == [STAGE1, STAGE2, FACEID, FACESTUDIO]
    assert users("base", "checkpoint") == [STAGE1, STAGE2, PIVOT, FACEID, FACESTUDIO]
    assert users("method", "checkpoint") == users("nowhere", "tau") == []


def test_all_keys_are_those_of_the_methods_each_once():
    schema = Schema(CONFIGS)
    for section, keys in schema.all.items():
        assert set(keys) == {name for mine in schema.by_method.values() for name in mine[section]}
    assert schema.all["method"]["init_from"] is schema.by_method[STAGE1]["method"]["init_from"]
