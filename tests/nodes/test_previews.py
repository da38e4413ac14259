"""What every Apply node shows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from likeness.models.people.preview import Line
from likeness.tests.people import someone

pytestmark = pytest.mark.comfy

ADD = "LikenessAddPerson"
MODEL = object()
SHARED_OUTPUTS = ["model", "applied", "preview"]


@pytest.fixture
def show(monkeypatch):
    from comfy_api.latest import ui
    from likeness.host.people import AppliedPeople
    from likeness.nodes import schema

    def preview(image, cls):
        return SimpleNamespace(as_dict=lambda: {"shown": image, "by": cls})

    monkeypatch.setattr(ui, "PreviewImage", preview)
    notes = []
    strip = schema.people_strip
    monkeypatch.setattr(schema, "people_strip", lambda lines, note: notes.append(note) or strip(lines, note))

    def run(prompt=None, note=""):
        cls = SimpleNamespace(hidden=SimpleNamespace(prompt=prompt, unique_id=9))
        applied = AppliedPeople(MODEL, True, (Line(someone("Ann"), "mask"),))
        return schema.applied_output(applied, cls, note), notes.pop()

    return run


def prompt(*names):
    """People of whom only the first is in the chain."""
    people = {str(number): {"class_type": ADD, "inputs": {"name": name}} for number, name in enumerate(names, 1)}
    return people | {"9": {"class_type": "LikenessApplySomething", "inputs": {"people": ["1", 0]}}}


def test_the_strip_is_both_shown_and_handed_on(show):
    output, note = show(prompt("Ann"), "A note.")
    model, applied, preview = output.result
    assert (model, applied, note) == (MODEL, True, "A note.")
    assert output.ui["shown"] is preview
    [person] = output.ui["likeness_people"]
    assert (person["name"], person["state"], person["is_in"]) == ("Ann", "mask", True)


def test_who_is_outside_is_said_before_the_note(show):
    _, note = show(prompt("Ann", "Ben", ""), "A note.")
    assert note == "Not in this chain: Ben, node 3. Link the people output of one Add Person to the next. A note."
    assert show(prompt("Ann", "Ben"))[1].endswith("to the next.")


def test_the_sentence_can_be_seen(show):
    lost, whole = (show(prompt(*names))[0].result[2] for names in (("Ann", "Ben"), ("Ann",)))
    assert lost.shape[1] > whole.shape[1]


def test_without_a_prompt_nothing_is_said(show):
    assert show()[1] == ""


def test_outputs_are_named_as_they_are_given():
    from likeness.nodes.schema import applied_outputs

    outputs = applied_outputs("For the sampler.")
    assert [each.display_name for each in outputs] == ["model", "applied", "preview"]
    assert outputs[0].tooltip == "For the sampler."


def test_every_node_that_takes_people_into_a_model_shows_them():
    import asyncio

    from comfy_api.latest import io
    from likeness.nodes import LikenessExtension

    schemas = [node.define_schema() for node in asyncio.run(LikenessExtension().get_node_list())]
    applying = [each for each in schemas if each.node_id.startswith("LikenessApply")]
    assert len(applying) == 5
    for schema in applying:
        assert {io.Hidden.prompt, io.Hidden.unique_id} <= set(schema.hidden), schema.node_id
        names = [each.display_name for each in schema.outputs]  # FaceStudio's has more
        assert [name for name in names if name in SHARED_OUTPUTS] == SHARED_OUTPUTS
