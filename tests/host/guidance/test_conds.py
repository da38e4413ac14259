"""Asking the UNet about several conds, and about one of them alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from likeness.models.port.attention import Polarity

pytestmark = pytest.mark.comfy


class Cond:
    """A cond value as ComfyUI's: it copies itself with another tensor."""

    def __init__(self, cond):
        self.cond = cond

    def _copy_with(self, cond):
        return Cond(cond)


def entry(uuid, **more):
    return {"uuid": uuid, "model_conds": {"c_crossattn": Cond(torch.ones(1, 2, 3))}, **more}


def batch_of(*sides, executor=None, **known):
    """A batch with a side for each name: p, n, m, w (positive with people), or None."""
    from likeness.host.guidance.conds import CondBatch
    from likeness.host.sampling.conds import CondInfo

    infos = {
        "p": CondInfo(Polarity.POSITIVE),
        "w": CondInfo(Polarity.POSITIVE, named_rows=((0, 1),)),
        "n": CondInfo(Polarity.NEGATIVE),
        "m": CondInfo(Polarity.MIDDLE),
    }
    conds = [None if side is None else [entry(side, **known)] for side in sides]
    options = {"transformer_options": {"likeness.conds": infos, "kept": 1}}

    def answer(model, conds, x, timestep, model_options):
        return [torch.zeros_like(x) if cond is None else x + number + 1 for number, cond in enumerate(conds)]

    x = torch.zeros(2, 4, 6, 8)
    return CondBatch(executor or answer, SimpleNamespace(), conds, x, torch.tensor([3.0, 3.0]), options)


@pytest.mark.parametrize(
    ("sides", "positive", "negative"),
    [
        ("pn", 0, 1),
        ("np", 1, 0),
        ("nmp", 2, 0),
        ("pwn", 1, 2),  # the one that names people
        ("n", None, 0),
        ("p", 0, None),
        ((None, "p"), 1, None),
        ("?", None, None),
    ],
)
def test_sides_are_told_by_polarity_and_not_by_place(sides, positive, negative):
    batch = batch_of(*sides)
    assert (batch.positive, batch.negative) == (positive, negative)


ENTRIES = {
    "plain": entry("p"),
    "of the first": entry("w", area=(2, 2, 0, 0)),
    "of the second": entry("v", mask=torch.ones(1, 6, 8)),
    "filling": entry("f", default=True),
    "over": entry("w", timestep_end=5.0),
}


@pytest.mark.parametrize(
    ("names", "person", "chosen"),
    [
        (("plain", "of the first", "of the second"), 0, "of the first"),
        (("plain", "of the first", "of the second"), 1, "of the second"),
        (("of the first", "of the second", "plain"), 2, "plain"),  # whom nothing names: without area and mask
        (("of the second", "of the first"), 2, "of the second"),  # else the first
        (("filling", "of the second"), 0, "of the second"),
        (("plain", "over"), 0, "plain"),
        (("over",), 0, "over"),
        (("plain", "of the second"), None, "of the second"),  # whoever is named
    ],
)
def test_everybody_has_the_words_that_name_them(names, person, chosen):
    from likeness.host.sampling.conds import CondInfo

    batch = replace(batch_of("p"), conds=[[ENTRIES[name] for name in names]])
    known = batch.options["likeness.conds"]
    known["v"] = CondInfo(Polarity.POSITIVE, named_rows=((1, 4),))
    known["f"] = CondInfo(Polarity.POSITIVE)
    assert batch.spoken_entry(0, person) is ENTRIES[chosen]


def test_size_and_noise_level_are_the_latents():
    assert batch_of("p").size == (6, 8)
    assert batch_of("p").sigma == 3.0


def test_what_is_left_out_is_zeros_in_its_place():
    outputs = batch_of("n", "p").ask_without(1)
    assert [float(output.mean()) for output in outputs] == [1, 0]
    assert [float(output.mean()) for output in batch_of("n", "p").ask()] == [1, 2]


def test_where_nothing_else_is_asked_the_unet_does_not_run():
    def never(*args):
        raise AssertionError

    outputs = batch_of(None, "p", executor=never).ask_without(1)
    assert [output.abs().max() for output in outputs] == [0, 0]


def test_one_cond_alone_has_a_graph_and_tensors_of_its_own():
    asked = {}

    def answer(model, conds, x, timestep, model_options):
        asked.update(conds=conds, options=model_options["transformer_options"])
        return [x * conds[0][0]["model_conds"]["c_crossattn"].cond.mean()]

    with torch.inference_mode():
        batch = batch_of("n", "p", executor=answer, mask=torch.ones(1))
    leaf = torch.ones(2, 4, 6, 8, requires_grad=True)
    output = batch.ask_alone(1, leaf, {"added": 2})
    [gradient] = torch.autograd.grad(output.sum(), leaf)
    assert torch.equal(gradient, torch.ones_like(leaf))
    [[alone]] = asked["conds"]
    assert alone["uuid"] == "p"
    assert not alone["mask"].is_inference()
    assert (asked["options"]["kept"], asked["options"]["added"]) == (1, 2)
    assert batch.conds[1][0]["mask"].is_inference()


def test_a_controlnet_is_taken_as_given():
    class Control:
        strength = 0.7

        def get_control(self, x, *args):
            return {"output": [x * 2], "args": args}

    given = {}

    def answer(model, conds, x, timestep, model_options):
        control = conds[0][0]["control"]
        given.update(control.get_control(x, 1), strength=control.strength)
        return [x]

    batch_of("p", executor=answer, control=Control()).ask_alone(0, torch.ones(1, requires_grad=True), {})
    assert not given["output"][0].requires_grad
    assert given["args"] == (1,)
    assert given["strength"] == 0.7
