"""The command that writes blueprints."""

from __future__ import annotations

import json

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tools.workflows.blueprints.shelf import BLUEPRINTS
from likeness.tools.workflows.blueprints.write import FOLDER, write_text


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_file_holds_the_blueprint_of_its_name(name):
    written = json.loads(write_text(name, definitions()))
    assert written["definitions"]["subgraphs"][0]["name"] == name
    assert written["extra"]["BlueprintDescription"] == BLUEPRINTS[name].description
    assert write_text(name, definitions()) == write_text(name, definitions())


def test_every_blueprint_is_there_and_no_other():
    assert sorted(file.stem for file in FOLDER.glob("*")) == sorted(BLUEPRINTS)
