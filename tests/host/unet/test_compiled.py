"""People in compiled code: one graph without a break, the same pictures, and nothing of one run frozen into another."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from likeness.models.placement.masks import ellipse
from likeness.models.placement.placements import Masks
from likeness.models.placement.windows import SigmaWindow
from likeness.tests.host.fake_server import MAP, FakeServer, prompt, serving
from torch import _dynamo as dynamo
from torch._dynamo.utils import counters

pytestmark = pytest.mark.comfy

ALIKE = 1e-4


def unguarded(entries):
    """What ComfyUI 0.33.0's node leaves out; 0.3.64's leaves out nothing."""
    return ["transformer_options" not in entry.name for entry in entries]


@pytest.fixture(autouse=True)
def tracing(monkeypatch):
    """Attention as on a card: ComfyUI's for the CPU asks the system for its memory, at which any trace ends."""
    import comfy.ldm.modules.attention as attention

    for name in ("optimized_attention", "optimized_attention_masked"):
        monkeypatch.setattr(attention, name, attention.attention_pytorch)
    dynamo.reset()
    counters.clear()
    yield
    dynamo.reset()


@pytest.fixture(
    params=[
        pytest.param(None, id="all guards", marks=pytest.mark.long),
        pytest.param(unguarded, id="without those of the options"),
    ]
)
def compiled(request):
    """A MODEL as ComfyUI's node compiles it, and the graphs that torch traced."""
    from comfy_api.torch_helpers import set_torch_compile_wrapper

    graphs = []

    def backend(graph, examples):
        graphs.append(graph)
        return graph.forward

    def build(model):
        clone = model.clone()
        options = {"guard_filter_fn": request.param} if request.param else None
        set_torch_compile_wrapper(clone, backend=backend, options=options)
        return clone

    return build, graphs


def ops_of(graph):
    return sum("likeness" in str(node.target) for node in graph.graph.nodes)


def put(model, *people):
    from likeness.host.unet.attention import inject

    with torch.inference_mode():
        for each in people:
            model = inject(model, [each], name="people")
    return model


@pytest.mark.parametrize(
    "is_first",
    [pytest.param(True, id="compiled first"), pytest.param(False, id="compiled last", marks=pytest.mark.long)],
)
def test_people_of_several_runs_are_those_of_each(loaded_model, people, drawn, compiled, is_first):
    """A window that opens and closes within the run, then other people, strengths and masks, and a router that chooses at every third step."""
    build, graphs = compiled
    middle = SigmaWindow(start=12.0, end=1.0)
    oval = ellipse(torch.tensor([0.1, 0.1, 0.5, 0.9]), (16, 16))[None]
    routed = people(loaded_model, 2, seed=7)
    casts = [
        people(loaded_model, 2, windows=[middle, SigmaWindow(end=3.0)]),
        people(loaded_model, 3, seed=5, strengths=[0.5, 1.0, 1.5]),
        people(loaded_model, 2, seed=6, placement=Masks((oval, 1 - oval))),
        replace(routed, placement=replace(routed.placement, every=3)),
        routed,
    ]
    plain = drawn(loaded_model, steps=4)
    expected = [drawn(put(loaded_model, cast), steps=4) for cast in casts]
    base = build(loaded_model) if is_first else None
    for cast, wanted in zip(casts, expected, strict=True):
        model = put(base, cast) if base else build(put(loaded_model, cast))
        torch.testing.assert_close(drawn(model, steps=4), wanted, atol=ALIKE, rtol=0)
    assert all((wanted - plain).abs().max() > 100 * ALIKE for wanted in expected)
    assert not torch.equal(*expected[-2:])  # three steps of the one choose as the first did
    assert graphs
    assert not counters["graph_break"]
    assert {ops_of(graph) for graph in graphs} == {16}


def test_a_page_is_told_of_a_compiled_run_without_a_trace_of_it(loaded_model, people, drawn, compiled, monkeypatch):
    from likeness.host.sampling import live

    build, graphs = compiled
    model = build(put(loaded_model, people(loaded_model, 2)))
    monkeypatch.setattr(live, "PAUSE", 0.0)
    alone = drawn(model, steps=3)
    traced = len(graphs)
    server = FakeServer(prompt(("9", MAP)))
    with serving(monkeypatch, server):
        told = drawn(model, steps=3)
    assert torch.equal(told, alone)
    assert [each["step"] for each in server.named("likeness.routing")] == [1, 2, 3]
    assert len(graphs) == traced
    assert not counters["graph_break"]


@pytest.mark.long
def test_a_network_in_which_words_are_read_runs_as_it_is(
    loaded_model, people, drawn, conditioning, compiled, monkeypatch
):
    from likeness.host.looking.watch import watch
    from likeness.host.looking.words import WordWatch
    from likeness.host.named_text import name_rows
    from likeness.models.placement import region_mask
    from likeness.models.placement.found import Found
    from likeness.models.placement.words import WordLook

    monkeypatch.setattr(region_mask, "LEAST_PEAK", 0.0)  # random weights attend to nothing in particular
    monkeypatch.setattr(region_mask, "LARGEST_AREA", 1.0)
    build, graphs = compiled

    def applied(model):
        look = WordLook()
        clone = put(model, people(model, 2, placement=Found(look, (0, 1))))
        watch(clone, [WordWatch(look, {0: "Ann", 1: "Ben"})])
        return clone

    settings = {"positive": name_rows(conditioning(10), ((0, 2), (1, 4))), "steps": 3}
    expected, shared = (
        drawn(each, **settings) for each in (applied(loaded_model), put(loaded_model, people(loaded_model, 2)))
    )
    base = build(loaded_model)
    drawn(base)
    traced = len(graphs)
    assert torch.equal(drawn(applied(base), **settings), expected)
    assert len(graphs) == traced > 0
    assert not torch.equal(expected, shared)


@pytest.mark.long
def test_steps_trace_nothing_anew(loaded_model, people, drawn, compiled):
    build, graphs = compiled
    model = put(build(loaded_model), people(loaded_model, 2, windows=[SigmaWindow(start=12.0), SigmaWindow(end=2.0)]))
    drawn(model, steps=2)
    traced = len(graphs)
    drawn(model, steps=8)
    assert len(graphs) == traced


@pytest.mark.long
def test_code_that_was_compiled_without_people_is_not_taken_with_them(loaded_model, people, drawn, compiled):
    """And the other way round, and with two injections in place of one."""
    build, _ = compiled
    base, one, other = build(loaded_model), people(loaded_model, 2), people(loaded_model, 1, seed=8)
    for cast in ((), (one,), (one, other), ()):
        torch.testing.assert_close(drawn(put(base, *cast)), drawn(put(loaded_model, *cast)), atol=ALIKE, rtol=0)


@pytest.mark.long
def test_requeueing_compiled_people_gives_the_same_bits(loaded_model, people, drawn, compiled):
    build, _ = compiled
    model = put(build(loaded_model), people(loaded_model, 2))
    first = drawn(model)
    assert all(torch.equal(drawn(model), first) for _ in range(3))


def test_compiled_code_that_is_run_without_people_adds_nothing(tiny_model):
    from likeness.host.unet.compiled import residual, running

    del tiny_model
    query = torch.ones(1, 4, 8)
    asked = (query, query, query, (query, query), 1)
    assert not residual(*asked).any()
    with running(lambda *args: args[0]), running(lambda *args: None), running(lambda *args: 2 * args[0]):
        assert torch.equal(residual(*asked), 3 * query)
    assert not residual(*asked).any()


def test_an_uncompiled_network_is_given_no_argument_more(loaded_model, people, drawn):
    seen = []

    class Watched(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, *args, **kwargs):
            seen.extend(kwargs)
            return self.network(*args, **kwargs)

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self._modules["network"], name)

    model = put(loaded_model, people(loaded_model, 2))
    network = loaded_model.model.diffusion_model
    loaded_model.model.diffusion_model = Watched(network)
    try:
        drawn(model)
    finally:
        loaded_model.model.diffusion_model = network
    assert "transformer_options" in seen
    assert "likeness.structure" not in seen


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_inductor_draws_the_same(loaded_model, people, drawn):
    """As the core's node compiles, with a window that opens and closes and people who change."""
    from comfy_api.torch_helpers import set_torch_compile_wrapper

    base = loaded_model.clone()
    set_torch_compile_wrapper(base, backend="inductor", options={"guard_filter_fn": unguarded})
    first = people(loaded_model, 2, windows=[SigmaWindow(start=12.0, end=1.0), SigmaWindow(end=3.0)])
    for cast in ((first,), (people(loaded_model, 1, seed=5),), ()):
        expected = drawn(put(loaded_model, *cast), steps=4)
        torch.testing.assert_close(drawn(put(base, *cast), steps=4), expected, atol=1e-3, rtol=1e-3)
