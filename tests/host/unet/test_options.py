"""Reading and extending options."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.comfy


def test_options_with_more_leave_the_given_ones_as_they_are():
    from likeness.host.unet.options import transformer_options, with_transformer_options

    given = {"a": 1, "transformer_options": {"b": 2, "c": 3}}
    found = with_transformer_options(given, {"c": 4, "d": 5})
    assert found == {"a": 1, "transformer_options": {"b": 2, "c": 4, "d": 5}}
    assert given == {"a": 1, "transformer_options": {"b": 2, "c": 3}}
    assert transformer_options(found) == {"b": 2, "c": 4, "d": 5}


@pytest.mark.parametrize("nothing", [None, {}])
def test_where_there_are_no_options_they_begin(nothing):
    from likeness.host.unet.options import transformer_options, with_transformer_options

    assert transformer_options(nothing) == {}
    assert with_transformer_options(nothing, {"a": 1}) == {"transformer_options": {"a": 1}}


def test_a_caller_that_is_no_sampler_says_nothing():
    from likeness.host.unet.options import block_of, known_conds, uuids_of

    assert known_conds({}) == {}
    assert uuids_of({}) == uuids_of({"uuids": []}) == [None]
    assert block_of({}) is None


def test_a_layer_is_known_by_stage_block_and_transformer():
    from likeness.host.unet.options import block_of

    assert block_of({"block": ("input", 4), "block_index": 7}) == ("input", 4, 7)
    assert block_of({"block": ("middle", 0)}) == ("middle", 0, 0)
