"""Only what is whole, and was made from what is wanted now, counts as finished."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from likeness.evaluation.protocol.sections import PicturesConfig
from likeness.evaluation.running.plan import plan
from likeness.evaluation.running.store import Store
from likeness.tests.evaluation.small_kit import protocol_of
from PIL import Image

PICTURE = np.random.default_rng(0).integers(0, 256, (64, 72, 3), dtype=np.uint8)


@pytest.fixture
def wanted(tmp_path):
    return plan(protocol_of(tmp_path))[0]


def store_of(tmp_path, host="host", **settings):
    return Store(tmp_path / "run", PicturesConfig(**settings), host)


def test_a_picture_comes_back_as_it_was(tmp_path, wanted):
    store = store_of(tmp_path)
    assert not store.has_picture(wanted)
    assert store.put_picture(wanted, PICTURE).name == "0000-000-0.png"
    assert store.has_picture(wanted)
    assert (store.picture(wanted) == PICTURE).all()


def test_a_picture_that_is_cut_off_does_not_count(tmp_path, wanted):
    store = store_of(tmp_path)
    path = store.put_picture(wanted, PICTURE)
    content = path.read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 40):
        path.write_bytes(content[:length])
        assert not store.has_picture(wanted), length
    path.write_bytes(content)
    assert store.has_picture(wanted)


def test_a_picture_of_somebody_else_s_does_not_count(tmp_path, wanted):
    store = store_of(tmp_path)
    Image.fromarray(PICTURE).save(store.put_picture(wanted, PICTURE))
    assert not store.has_picture(wanted)


@pytest.mark.parametrize(
    ("host", "settings"), [("other", {}), ("host", {"steps": 3}), ("host", {"negative": "x"}), ("host", {"width": 64})]
)
def test_what_was_drawn_otherwise_is_drawn_again(tmp_path, wanted, host, settings):
    store_of(tmp_path).put_picture(wanted, PICTURE)
    assert not store_of(tmp_path, host, **settings).has_picture(wanted)


def test_another_prompt_or_photo_is_another_picture(tmp_path, wanted):
    store = store_of(tmp_path)
    store.put_picture(wanted, PICTURE)
    assert not store.has_picture(replace(wanted, prompt="another"))
    assert not store.has_picture(replace(wanted, said="another"))
    Image.new("RGB", (8, 8)).save(wanted.people[0].photos[0])
    assert not store_of(tmp_path).has_picture(wanted)


def test_values_come_back_bit_by_bit_for_the_same_metric_alone(tmp_path, wanted):
    store = store_of(tmp_path)
    assert store.values("a", "key", wanted) is None
    store.put_values("a", "key", wanted, {"value": 0.1 + 0.2, "none": math.nan})
    found = store.values("a", "key", wanted)
    assert found["value"] == 0.1 + 0.2
    assert math.isnan(found["none"])
    assert store.values("b", "key", wanted) is None
    assert store.values("a", "other weights", wanted) is None
    assert store_of(tmp_path, steps=3).values("a", "key", wanted) is None


def test_values_that_are_cut_off_do_not_count(tmp_path, wanted):
    store = store_of(tmp_path)
    store.put_values("a", "key", wanted, {"value": 1.0})
    path = tmp_path / "run" / "values" / "a" / "0000-000-0.json"
    path.write_bytes(path.read_bytes()[:-5])
    assert store.values("a", "key", wanted) is None
