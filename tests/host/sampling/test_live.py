"""What a page is told while a run goes on: order, pauses, contents, and nothing where nobody listens."""

from __future__ import annotations

import base64
import json
from functools import partial

import pytest
import torch
from likeness.tests.host.fake_server import CURVES, MAP, FakeServer, prompt, serving

pytestmark = pytest.mark.comfy
ROUTING, GUIDANCE = "likeness.routing", "likeness.guidance"


class Clock:
    """Goes on by some seconds whenever it is looked at."""

    def __init__(self, seconds):
        self.now, self.seconds = 0.0, seconds

    def __call__(self):
        self.now += self.seconds
        return self.now


@pytest.fixture
def server():
    return FakeServer(prompt(("9", MAP)))


@pytest.fixture
def patched(tiny_model, people):
    from likeness.host.unet.attention import inject

    model = tiny_model()
    return inject(model, [people(model, 2)], name="test")


@pytest.fixture
def run(monkeypatch, sample):
    """A builder: sample while a server runs a prompt; a look at the clock takes some seconds."""
    from likeness.host.sampling import live

    true = live.LiveRun

    def draw(model, server, seconds=1.0, listens=True, **settings):
        monkeypatch.setattr(live, "LiveRun", partial(true, clock=Clock(seconds)))
        with serving(monkeypatch, server, listens=listens):
            return sample(model, **settings)

    return draw


def test_every_step_is_told_in_order(run, patched, server):
    from likeness.host.sampling.runs import find_placement_maps

    latent = run(patched, server, steps=5, size=(16, 24))
    told = server.named(ROUTING)
    assert [each["step"] for each in told] == [1, 2, 3, 4, 5]
    assert {(each["steps"], each["node"], each["prompt_id"], *each["views"]) for each in told} == {(5, "3", "p1", "9")}
    assert told[0]["grid"] == [16, 24]
    assert [person["name"] for person in told[0]["people"]] == ["person 1", "person 2"]
    assert len(json.dumps(told[0])) < 1000
    steps = find_placement_maps(patched, latent).steps
    for each, part in zip(told, steps, strict=True):
        values = torch.tensor(list(base64.b64decode(each["data"]))).reshape(16, 24)
        assert torch.equal((values >> 6) - 1, part.maps[0].argmax(0))


@pytest.mark.parametrize(("seconds", "steps"), [(0.25, [1, 2, 3, 4, 5, 6]), (0.125, [1, 3, 5]), (0.1, [1, 4])])
def test_a_page_is_told_at_most_four_times_a_second(run, patched, server, seconds, steps):
    run(patched, server, seconds, steps=6)
    assert [each["step"] for each in server.named(ROUTING)] == steps


def test_samplers_that_evaluate_twice_tell_no_step_before_another(run, patched, server):
    run(patched, server, sampler="heun", steps=4)
    steps = [each["step"] for each in server.named(ROUTING)]
    assert steps == sorted(steps)
    assert set(steps) == {1, 2, 3, 4}


@pytest.mark.parametrize("why", ["nobody listens", "no such node", "another page"])
def test_nothing_is_told_and_nothing_reduced(run, patched, server, why, monkeypatch):
    from likeness.models.records.placements import PlacementRecord

    monkeypatch.setattr(PlacementRecord, "latest", lambda self: pytest.fail("nobody asked"))
    if why == "no such node":
        server = FakeServer(prompt(("9", "SaveLatent")))
    if why == "another page":
        server.client_id = "another"
    run(patched, server, listens=why != "nobody listens")
    assert server.sent == []


def test_outside_the_server_nothing_is_told_and_the_record_is_as_ever(patched, sample, run, server):
    from likeness.host.sampling.runs import find_placement_maps

    alone = find_placement_maps(patched, sample(patched))
    told = find_placement_maps(patched, run(patched, server))
    assert torch.equal(alone.maps, told.maps)


def test_a_page_that_leaves_is_told_no_more(run, patched, server, monkeypatch):
    send = server.send_sync

    def once(*message):
        send(*message)
        server.sockets.clear()

    server.send_sync = once
    run(patched, server, steps=4)
    assert [each["step"] for each in server.named(ROUTING)] == [1]


def test_a_run_that_is_stopped_says_nothing_more_and_the_next_one_begins_anew(run, patched, server, monkeypatch):
    from comfy.model_management import InterruptProcessingException
    from likeness.host.sampling import live

    kind, ready = live.LiveRun, []
    monkeypatch.setattr(live.Copy, "is_there", lambda self: bool(ready))
    tell = kind.tell

    def stop(self):
        tell(self)
        if self.step == 2:
            raise InterruptProcessingException

    monkeypatch.setattr(kind, "tell", stop)
    with pytest.raises(InterruptProcessingException):
        run(patched, server, steps=4)
    ready.append(True)
    server.go_on()
    assert (server.sent, server.later) == ([], [])
    monkeypatch.setattr(kind, "tell", tell)
    run(patched, server, steps=2)
    assert [each["step"] for each in server.named(ROUTING)] == [1, 2]


def test_of_a_batch_the_first_picture_is_told(run, patched, server):
    from likeness.host.sampling.runs import find_placement_maps

    latent = run(patched, server, steps=1, batch=3)
    [told] = server.named(ROUTING)
    first = find_placement_maps(patched, latent).steps[0].maps[0].argmax(0)
    assert [(value >> 6) - 1 for value in base64.b64decode(told["data"])] == first.flatten().tolist()


def test_two_samplers_of_a_prompt_are_told_apart(run, patched, server):
    nodes = prompt(("9", MAP)) | prompt(("19", MAP), sampler="13")
    server = FakeServer(nodes)
    run(patched, server)
    first = server.named(ROUTING)
    server.last_node_id, server.sent = "13", []
    from comfy_execution import utils

    before = utils.CurrentNodeContext
    try:
        utils.CurrentNodeContext = lambda prompt_id, node, index: before(prompt_id, "13", index)
        run(patched, server)
    finally:
        utils.CurrentNodeContext = before
    assert {(each["node"], *each["views"]) for each in first} == {("3", "9")}
    assert {(each["node"], *each["views"]) for each in server.named(ROUTING)} == {("13", "19")}


def test_guidance_is_told_with_the_whole_curve(run, loaded_model, monkeypatch):
    from likeness.host.sampling.runs import find_guidance_history
    from likeness.models.records.pages import page_curves
    from likeness.tests.host.omniportrait.small_guidance import apply, half, people

    model = apply(loaded_model, people(half(), half("right"))).model
    server = FakeServer(prompt(("9", CURVES)))
    with torch.inference_mode():
        latent = run(model, server, steps=3).clone()
    told = server.named(GUIDANCE)
    assert server.named(ROUTING) == []
    assert [len(each["people"][0]["points"]) for each in told] == list(range(1, len(told) + 1))
    assert [person["name"] for person in told[-1]["people"]] == ["Ann", "Ben"]
    after = page_curves(find_guidance_history(model, latent))
    assert {key: told[-1][key] for key in after} == after
    assert told[-1]["steps"] == 3


def test_a_copy_is_there_at_once_on_the_cpu():
    from likeness.host.sampling.live import Copy

    copy = Copy.of(torch.arange(4, dtype=torch.uint8))
    assert copy.is_there()
    assert copy.tensor.tolist() == [0, 1, 2, 3]


@pytest.mark.gpu
def test_a_copy_from_a_card_is_not_waited_for():
    from likeness.host.sampling.live import Copy

    with torch.cuda.stream(torch.cuda.Stream()):
        torch.cuda._sleep(200_000_000)
        copy = Copy.of(torch.full((4, 4), 7, dtype=torch.uint8, device="cuda"))
        assert not copy.is_there()
        torch.cuda.current_stream().synchronize()
    assert copy.is_there()
    assert copy.tensor.unique().tolist() == [7]
