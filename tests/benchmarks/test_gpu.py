"""The figures of a card, tried out on the CPU with small networks: whatever does not need CUDA."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch
from likeness.benchmarks import gpu
from likeness.benchmarks.card import CPUInPlace


class FrozenClock(CPUInPlace):
    """Every call takes a second, and launches as much as its name says."""

    def __init__(self):
        self.now = 0.0

    def clock(self):
        self.now += 1.0
        return self.now

    def launches(self, call) -> int:
        return int(call())


def new_bench(card, pack=None, rounds=7):
    return gpu.Bench(card=card, pack=pack, rounds=rounds, warm_up=0, steps=2, seed=0)


def test_without_a_card_one_sentence_says_so_and_it_ends_with_2(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu"])
    assert gpu.main() == 2
    assert capsys.readouterr().out.splitlines() == [gpu.NO_CARD]


def test_a_table_holds_every_form_against_the_plain_one(capsys):
    def hold(floats, launches):
        def call():
            torch.zeros(floats)
            return launches

        return call

    calls = {"plain": hold(2**18, 1000), "one": hold(2**19, 1050)}
    gpu.report_calls(new_bench(FrozenClock()), "a call", calls, 3)
    empty, head, _, *rows = capsys.readouterr().out.splitlines()
    assert (empty, head) == (
        "",
        "| a call | ms | against plain | launches | peak memory, MiB beyond plain |",
    )
    assert rows == [
        "| plain | 1000.00 |  | 1,000 | 1.0 in all |",
        "| one | 1000.00 | +0.00 %  [+0.00, +0.00] | 1,050 (+5.0 %) | +1.0 |",
    ]


def test_what_takes_long_has_a_sixth_of_the_rounds():
    assert [new_bench(CPUInPlace(), rounds=rounds).few for rounds in (1, 6, 7, 30)] == [1, 1, 2, 5]


@pytest.fixture(scope="module")
def small():
    from likeness.benchmarks.random_models import new_model

    base = gpu.SMALL["small SD1.5"]
    with torch.inference_mode():
        return base, new_model(base.config(), torch.float32, torch.device("cpu"))


@pytest.mark.comfy
def test_the_other_pack_is_given_an_adapter_that_fits(small):
    told = {}

    class Node:
        def apply_ipadapter(self, model, adapter, **settings):
            told.update(settings, adapter=adapter)
            return ("their model", None)

    pack = SimpleNamespace(NODE_CLASS_MAPPINGS={"IPAdapterEmbeds": Node})
    assert gpu.theirs(pack, small[1]) == "their model"
    layers, projection = told["adapter"]["ip_adapter"], told["adapter"]["image_proj"]
    assert [int(key.split(".")[0]) for key in layers] == [index for index in range(1, 32, 2) for _ in "kv"]
    assert layers["1.to_k_ip.weight"].shape == (32, 24)
    assert layers["31.to_v_ip.weight"].shape == (128, 24)
    assert projection["proj.weight"].shape == (4 * 24, told["pos_embed"].shape[1])
    assert not told["neg_embed"].any()


@pytest.mark.comfy
def test_a_run_takes_no_notes_for_maps_that_nobody_shows(small):
    from likeness.benchmarks.operations import count_operations
    from likeness.benchmarks.random_models import people
    from likeness.host.sampling import runs

    with torch.inference_mode():
        run = gpu.sampling(people(small[1], 1, "everywhere", 4), 64, 2)
        run()  # the first one loads the model
        quiet = count_operations(run).total()
        assert runs.is_queued(runs.ROUTING_MAP_NODE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gpu, "nothing_shown", lambda: torch.inference_mode())
            assert quiet < count_operations(run).total()


@pytest.mark.comfy
@pytest.mark.long
def test_all_tables_of_a_base_are_printed(small, capsys):
    with torch.inference_mode():
        gpu.report(new_bench(CPUInPlace(), rounds=1), "small SD1.5", small[0])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    rows = {line.split(" | ")[0][2:] for line in lines}
    heads = {
        "small SD1.5, loading",
        "small SD1.5, a call at 64 x 64",
        "small SD1.5, a step at 64 x 64",
        "small SD1.5, a run of 2 steps at 64 x 64",
    }
    guided = {"plain, guided", "1 person, guided", *(f"{arm}, guided at every step" for arm in ("plain", "1 person"))}
    assert rows == {"plain", *gpu.ARMS} | heads | guided
    assert len(lines) == 4 + 3 + (1 + len(gpu.ARMS)) + 4 + 4


@pytest.mark.comfy
@pytest.mark.long
def test_a_base_without_router_and_samplers_has_calls_and_loading_alone(small, capsys):
    from dataclasses import replace

    with torch.inference_mode():
        gpu.report(new_bench(CPUInPlace(), rounds=1), "base", replace(small[0], is_sampled=False, is_routed=False))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert not any("router" in line or "guided" in line or "run" in line for line in lines)
    assert len(lines) == 2 + 2 + 1 + len(gpu.ARMS) - 2
