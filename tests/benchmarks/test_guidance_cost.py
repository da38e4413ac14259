"""What is counted of a guided step: its work, what its graph holds, and the averages over a run."""

from __future__ import annotations

import pytest
import torch
from likeness.benchmarks import guidance_cost
from likeness.benchmarks.guidance_cost import GUIDED, STEPS, TARGETS, AnyFeatures

SIDE = 64


def test_the_graph_holds_each_storage_once():
    weight = torch.ones(100, requires_grad=True)

    def call():
        hidden = weight.exp()  # kept for its own gradient, and again as a factor of the product
        return (hidden * hidden.view(10, 10).view(100)).sum()

    assert guidance_cost._held(call) == 100 * 4
    assert guidance_cost._held(lambda: weight.detach().exp()) == 0


def test_the_stand_in_pulls_everywhere_by_the_features_square():
    step = type("Step", (), {"features": torch.tensor([1.0, 3.0]).view(1, 2, 1, 1), "size": (2, 4)})()
    [pull] = AnyFeatures(capture=None).pulls(step)
    assert pull.energy.tolist() == [5.0]
    assert torch.equal(pull.mask, torch.ones(1, 1, 2, 4))


def test_the_stand_in_moves_by_the_gradient_at_every_noise_level():
    guidance = AnyFeatures(capture=None)
    moved = guidance.correct(torch.full((2,), 3.0), torch.ones(2), None, None)
    assert moved.tolist() == [2.0, 2.0]
    assert guidance.is_active(0.0)
    assert guidance.is_active(14.6)
    assert guidance.prepare(None) is guidance


@pytest.fixture
def report(monkeypatch, capsys):
    """Lines of the report on a narrow network; what the report replaces in ComfyUI and the host is put back."""
    from comfy import model_management
    from likeness.benchmarks.comfy_process import meta_model
    from likeness.host.guidance import step
    from likeness.tools.weights.layouts import NARROW_SDXL

    monkeypatch.setattr(step, "is_finite", step.is_finite)
    monkeypatch.setattr(model_management, "get_free_memory", model_management.get_free_memory)
    monkeypatch.setattr(guidance_cost, "meta_model", lambda shape: meta_model(NARROW_SDXL))
    guidance_cost._report_flops("SDXL", NARROW_SDXL, SIDE)
    return capsys.readouterr().out.splitlines()


@pytest.mark.comfy
@pytest.mark.slow
def test_averages_are_those_of_the_share_of_guided_steps(report):
    _, head, *rows = report
    assert head.startswith(f"SDXL at {SIDE}x{SIDE}: plain step ")
    one, averaged, every_other = (float(row.split("x, at most")[0].split()[-1]) for row in rows)
    assert one > 1  # a guided step computes part of the network twice
    assert averaged == pytest.approx(1 + (one - 1) * GUIDED / STEPS, abs=1e-3)
    assert every_other == pytest.approx(1 + (one - 1) * GUIDED / STEPS / 2, abs=1e-3)
    targets = [float(row.split("at most ")[1].split("x")[0]) for row in rows]
    assert tuple(targets) == TARGETS["SDXL"]
    assert [row.endswith("met") for row in rows] == [
        found <= target for found, target in zip((one, averaged, every_other), targets, strict=True)
    ]


@pytest.mark.comfy
def test_operations_and_work_are_told_with_and_without_a_person(capsys):
    """On a narrow network: a person adds operations to both steps, and a guided step computes part of the network again."""
    from likeness.benchmarks.consistentid_overhead import residual
    from likeness.host.unet.attention import inject
    from likeness.tools.peers.narrow import narrow_model

    with torch.inference_mode():
        model = narrow_model()
        person = inject(model, [residual(model, 1, SIDE)], name="person")
        guidance_cost._report_operations({"plain": model, "one person": person}, SIDE, SIDE)
    _, head, *rows = capsys.readouterr().out.splitlines()
    assert head.endswith(f"TFLOP at {SIDE}x{SIDE}")
    found = {row[:22].strip(): row[22:].split() for row in rows}
    assert list(found) == ["plain", "one person", "plain, guided", "one person, guided"]
    plain, person, guided, both = (int(row[0]) for row in found.values())
    assert plain + 2 * 70 <= person  # an attention and a sum at every layer
    assert guided > 1.3 * plain
    assert both > guided + 2 * 70
    assert found["one person"][1] == f"{100 * (person / plain - 1):+.1f}"
    work = [float(row[-1]) for row in found.values()]
    assert work[0] < work[2]
    assert work[1] < work[3]
