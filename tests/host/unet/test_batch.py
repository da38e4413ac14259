"""Which rows of a batch are what, also after another pack has changed it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from likeness.models.errors import LikenessError
from likeness.models.port.attention import Crop, Polarity, Run

pytestmark = pytest.mark.comfy

LEFT, RIGHT = Crop(0, 0, 4, 2, 4, 4), Crop(0, 2, 4, 2, 4, 4)


def batch(count, *conds, order=None, **told):
    """Rows of a call with a chunk for each cond."""
    from likeness.host.unet.batch import BatchRows

    options = {
        "uuids": list(range(len(conds))),
        "likeness.conds": dict(enumerate(conds)),
        "cond_or_uncond": list(range(len(conds))) if order is None else order,
    }
    return BatchRows.read(torch.zeros(count, 4, 4, 4), None, {**options, **told}, Run())


def cond(polarity=Polarity.POSITIVE, **known):
    from likeness.host.sampling.conds import CondInfo

    return CondInfo(polarity, **known)


def test_chunks_of_one_kind_are_one_group_with_the_samples_of_each():
    rows = batch(8, cond(), cond(), cond(Polarity.NEGATIVE), cond())
    groups = list(rows.groups(8))
    assert [group.rows for group in groups] == [slice(0, 4), slice(4, 6), slice(6, 8)]
    assert [group.samples for group in groups] == [(0, 1, 0, 1), (0, 1), (0, 1)]
    assert [group.cond.polarity.name for group in groups] == ["POSITIVE", "NEGATIVE", "POSITIVE"]


WINDOWS = [
    ({"context_window": SimpleNamespace(index_list=[4, 5, 6], dim=0)}, (4, 5, 6)),
    ({"context_window": SimpleNamespace(index_list=[6, 7, 0], dim=0, causal_anchor_index=-1)}, (6, 7, 0)),
    ({"context_window": SimpleNamespace(index_list=[4, 5], dim=0, causal_anchor_index=3)}, (3, 4, 5)),
    ({"ad_params": {"sub_idxs": [2, 4, 6], "full_length": 8}}, (2, 4, 6)),
    ({"ad_params": {"sub_idxs": None, "full_length": 3}}, (0, 1, 2)),
]


@pytest.mark.parametrize(("told", "pictures"), WINDOWS)
def test_the_rows_of_a_window_are_its_pictures(told, pictures):
    positive, negative = batch(6, cond(), cond(Polarity.NEGATIVE), **told).groups(6)
    assert positive.samples == negative.samples == pictures


def test_other_pictures_than_the_window_has_stop_the_run():
    with pytest.raises(LikenessError, match="4 pictures at once in a context window of 3"):
        batch(8, cond(), cond(Polarity.NEGATIVE), **WINDOWS[0][0])


def test_groups_end_where_crop_or_owners_change():
    assert len(list(batch(2, cond(crop=LEFT), cond(crop=RIGHT)).groups(2))) == 2
    assert len(list(batch(2, cond(owners=(0, -1)), cond(owners=(-1, 0))).groups(2))) == 2
    assert len(list(batch(2, cond(crop=LEFT), cond(crop=LEFT)).groups(2))) == 1


def test_only_owners_make_text_regional():
    assert batch(2, cond(), cond(owners=(0,))).has_regional_text
    assert not batch(2, cond(), cond(named_rows=((0, 1),))).has_regional_text


def test_a_caller_that_is_no_sampler_has_one_positive_chunk(caplog):
    from likeness.host.unet.batch import BatchRows

    run = Run()
    BatchRows.read(torch.zeros(3, 4, 4, 4), None, {}, run)
    rows = BatchRows.read(torch.zeros(3, 4, 4, 4), None, {}, run)
    [group] = rows.groups(3)
    assert (group.rows, group.samples) == (slice(0, 3), (0, 1, 2))
    assert group.cond == cond()
    assert caplog.text.count("neither positive nor negative") == 1  # once in a run


def test_rows_that_another_pack_adds_are_followed_through_the_shared_list():
    """As PAG does it: the positive chunk once more, and its place once more in the list."""
    order = [1, 0]
    rows = batch(4, cond(Polarity.NEGATIVE), cond(), order=order)
    order.append(0)
    assert [group.cond.polarity.name for group in rows.groups(6)] == ["NEGATIVE", "POSITIVE"]
    hidden = torch.arange(4.0)[:, None]
    assert rows.match(hidden, 6).flatten().tolist() == [0, 1, 2, 3, 2, 3]
    assert rows.match(hidden, 4) is hidden


def test_rows_that_were_taken_away_are_followed_too():
    order = [0, 1]
    rows = batch(4, cond(), cond(Polarity.NEGATIVE), order=order)
    del order[0]
    assert [group.cond.polarity.name for group in rows.groups(2)] == ["NEGATIVE"]
    assert rows.match(torch.arange(4.0), 2).tolist() == [2, 3]


@pytest.mark.parametrize(("more", "count"), [([], 6), ([7], 6), ([0], 5)])
def test_rows_of_which_nobody_says_what_they_are_stop_the_run(more, count):
    order = [0, 1]
    rows = batch(4, cond(), cond(Polarity.NEGATIVE), order=order)
    order.extend(more)
    with pytest.raises(LikenessError, match=f"from 4 to {count} rows without saying which prompt"):
        list(rows.groups(count))


def test_hidden_states_that_were_changed_before_us_cannot_be_followed():
    order = [0, 1]
    rows = batch(4, cond(), cond(Polarity.NEGATIVE), order=order)
    order.append(0)
    with pytest.raises(LikenessError, match="from 2 to 6 rows in a way that cannot be followed"):
        rows.match(torch.zeros(2, 1), 6)
