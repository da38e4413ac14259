"""What the page is told of people."""

from __future__ import annotations

import json

from likeness.models.people.page import people_records
from likeness.models.people.preview import Line
from likeness.models.records.legend import rgb_of
from likeness.tests.people import someone


def test_everybody_has_name_colour_and_state():
    hostile = "<img src=x onerror=1>"
    records = people_records([Line(someone("Ann"), "mask"), Line(someone(hostile), "off", is_in=False)])
    colours = ["#{:02x}{:02x}{:02x}".format(*rgb_of(place)) for place in range(2)]
    assert records == [
        {"name": "Ann", "colour": colours[0], "state": "mask", "is_in": True},
        {"name": hostile, "colour": colours[1], "state": "off", "is_in": False},
    ]
    assert json.loads(json.dumps(records)) == records


def test_an_empty_chain_is_nobody():
    assert people_records([]) == []
