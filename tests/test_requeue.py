"""The two-people workflow queued again and again over HTTP: what is switched off and on again leaves no trace."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.comfy

FILE = Path(__file__).resolve().parents[1] / "workflows" / "api" / "1 Try without download - two people.json"
STEPS, PICTURES = 4, 1
SHOWN = "99"  # id of the node that shows the people


def named(prompt, kind):
    """The ids of the nodes of a class, in the order of the file."""
    return [number for number, node in prompt.items() if node["class_type"] == kind]


@pytest.fixture
def prompt():
    """The workflow as it is shipped, with fewer steps and pictures."""
    found = json.loads(FILE.read_text("utf-8"))
    for kind, name, value in (("KSampler", "steps", STEPS), ("EmptyLatentImage", "batch_size", PICTURES)):
        for number in named(found, kind):
            found[number]["inputs"][name] = value
    return found


@pytest.fixture(scope="module")
def run(miniature_server):
    """Queue a prompt; gives the pictures that were saved, and the people that the Apply node showed."""

    def queue(prompt, *, forget=False):
        if forget:
            miniature_server.free()
        entry = miniature_server.run(prompt)
        return tuple(
            read(miniature_server.output_files(entry, number)) if number in prompt else None
            for number in (*named(prompt, "SaveImage"), SHOWN)
        )

    return queue


def read(files):
    return np.stack([np.asarray(Image.open(file)) for file in files])


@pytest.fixture
def changed(prompt):
    """A builder: the prompt with a change made to a copy of it.

    A widget that means nothing here is new every time, so that Apply and all that follows run again.
    """
    count = iter(range(1000))

    def build(change=lambda prompt: None):
        copied = copy.deepcopy(prompt)
        [apply] = named(copied, "LikenessApplyUniPortrait")
        copied[apply]["inputs"]["image_prompt_strength"] = 0.5 + 0.001 * next(count)
        copied[SHOWN] = {"class_type": "PreviewImage", "inputs": {"images": [apply, 2]}}
        change(copied)
        return copied

    return build


def without_people(prompt):
    """Apply UniPortrait bypassed, as the page sends it: whoever took its MODEL takes the one before."""
    [apply] = named(prompt, "LikenessApplyUniPortrait")
    model = prompt.pop(apply)["inputs"]["model"]
    for number in (SHOWN, *named(prompt, "LikenessShowRoutingMap")):
        del prompt[number]  # they have nothing to show then
    for node in prompt.values():
        for name, value in node["inputs"].items():
            if isinstance(value, list) and value[0] == apply:
                node["inputs"][name] = model


def with_one_person(prompt):
    """The first person muted: the second one begins the chain."""
    first, second = named(prompt, "LikenessAddPerson")
    del prompt[first]
    del prompt[second]["inputs"]["people"]


def swapped(prompt):
    """The order of the people the other way round."""
    first, second = named(prompt, "LikenessAddPerson")
    one, other = prompt[first]["inputs"], prompt[second]["inputs"]
    one["photo"], other["photo"] = other["photo"], one["photo"]


def with_somebody_lost(prompt):
    """A third Add Person whose people nobody takes, though its preview is looked at."""
    first, _ = named(prompt, "LikenessAddPerson")
    lost = copy.deepcopy(prompt[first])
    lost["inputs"]["name"] = "Lost"
    prompt["100"] = lost
    prompt["101"] = {"class_type": "PreviewImage", "inputs": {"images": ["100", 1]}}


def test_again_and_again_it_is_the_same_picture(run, changed):
    first, _ = run(changed())
    assert first.shape[0] == PICTURES
    for _ in range(3):
        assert np.array_equal(run(changed())[0], first)
    assert np.array_equal(run(changed(), forget=True)[0], first), "nothing cached by ComfyUI"


def test_a_name_changes_no_picture(run, changed):
    def call(name):
        def change(prompt):
            prompt[named(prompt, "LikenessAddPerson")[0]]["inputs"]["name"] = name

        return change

    first, plain = run(changed())
    renamed, strip = run(changed(call("Somebody else")))
    assert np.array_equal(renamed, first)
    assert not np.array_equal(strip, plain), "the preview says the name"


@pytest.mark.parametrize("change", [without_people, with_one_person])
def test_what_is_changed_and_changed_back_leaves_no_trace(run, changed, change):
    first, _ = run(changed())
    other, _ = run(changed(change))
    assert other.shape == first.shape
    assert not np.array_equal(other, first)
    assert np.array_equal(run(changed())[0], first)
    assert np.array_equal(run(changed(change))[0], other)


def test_the_order_of_people_whom_the_router_places_is_only_an_order(run, changed):
    first, plain = run(changed())
    other, strip = run(changed(swapped))
    assert not np.array_equal(strip, plain), "they are shown the other way round"
    assert np.abs(other.astype(int) - first).max() <= 1
    again, strip_again = run(changed())
    assert np.array_equal(again, first)
    assert np.array_equal(strip_again, plain)


def test_somebody_who_is_not_in_the_chain_is_said_in_the_preview(run, changed):
    """The strip is taller by a sentence; the picture is the same."""
    first, plain = run(changed())
    again, lost = run(changed(with_somebody_lost))
    assert np.array_equal(again, first)
    assert lost.shape[1] > plain.shape[1]
    people = plain.shape[1] - 12  # the last rows are the strip's edge
    assert np.array_equal(lost[:, :people], plain[:, :people])
    assert np.array_equal(run(changed())[1], plain)
