"""The picture of a row is read when somebody asks, once, and has to be what the row says."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from likeness.dataset.manifest import parse_row
from likeness.dataset.photo import Photo
from likeness.models.errors import BadImageError
from likeness.tests.training.small_pictures import HEIGHT, WIDTH, class_map, png, row


@pytest.fixture
def files():
    """Files by name; those that were read are noted under None."""
    return {"img/000001.png": png(1), "p.png": class_map(3), None: []}


@pytest.fixture
def photo(files):
    """A function: what else the row says to its photo."""

    def build(**changes):
        parsed = parse_row(json.dumps(row(1, **changes)).encode(), "manifest.jsonl", 1)

        def read(name):
            files[None].append(name)
            return files[name]

        return Photo(read, parsed.row)

    return build


def test_a_picture_is_read_once_and_only_when_it_is_asked_for(photo, files):
    made = photo()
    assert files[None] == []
    assert made.picture is made.picture
    assert made.digest == hashlib.sha256(png(1)).hexdigest()
    assert files[None] == ["img/000001.png"]


def test_a_row_that_tells_the_digest_spares_the_reading(photo, files):
    assert photo(sha256="a" * 64).digest == "a" * 64
    assert files[None] == []


def test_a_map_has_the_size_of_the_picture(photo, files):
    values = photo().map("p.png")
    assert values.shape == (HEIGHT, WIDTH)
    assert set(np.unique(values)) == {0, 3}
    files["p.png"] = class_map(3, (64, 64))
    with pytest.raises(BadImageError, match=r"p\.png has 64x64 pixels, but its row says 80x64; mend the row"):
        photo().map("p.png")


def test_a_map_is_told_from_others_by_what_is_in_it(photo, files):
    assert photo().map_digest("p.png") == hashlib.sha256(class_map(3)).hexdigest()
    assert files[None] == ["p.png"]


def test_a_picture_of_another_size_is_refused(photo):
    with pytest.raises(BadImageError, match="has 80x64 pixels, but its row says 90x64"):
        photo(w=90).picture  # noqa: B018
