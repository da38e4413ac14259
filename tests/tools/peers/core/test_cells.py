"""What is said of a method and a node, from the latents of five runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.tools.comfyui.server import _error_text
from likeness.tools.peers.core.cells import ACTS, SAME, Cell, Failure, Runs, judge, sum_up


def latent(value: float) -> torch.Tensor:
    return torch.tensor([4.0, value])


GOOD = Runs(plain=latent(0), method=latent(1), node=latent(2), both=latent(3), again=latent(3))
REFUSED = Failure("This cannot be had; remove the node.", True)
RAISED = Failure("KSampler raised KeyError: 'x'")
NAN = latent(float("nan"))


def raised(error: Exception) -> str:
    """The text of a server's error for a node that raised."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    message = {
        "node_id": "12",
        "node_type": "KSampler",
        "exception_type": kind,
        "exception_message": f"{error}\n",
        "traceback": ['  File "execution.py", line 1, in execute\n    run()\n', '  File "x.py", line 2\n'],
    }
    return _error_text({"status": {"messages": [["execution_error", message]]}})


def test_both_act():
    cell = judge(GOOD)
    assert (cell.text, cell.is_fault) == ("acts", False)
    assert cell.latent is GOOD.both


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"plain": RAISED}, "neither: KSampler raised KeyError"),
        ({"method": REFUSED}, "the method alone: This cannot be had"),
        ({"node": RAISED}, "the node alone: KSampler raised KeyError"),
        ({"node": NAN}, "the node alone: NaN"),
        ({"both": RAISED}, "KSampler raised KeyError: 'x'"),
        ({"again": RAISED}, "KSampler raised KeyError: 'x'"),
        ({"both": NAN, "again": NAN}, "NaN or infinity"),
        ({"again": latent(3.0001)}, "a second run differs by 2"),
        ({"method": latent(0)}, "the method alone does not act"),
        ({"both": latent(2), "again": latent(2)}, "does not act"),
        ({"both": latent(1), "again": latent(1)}, "node does not act"),
        ({"node": latent(0)}, "the node does nothing alone, but changes the method's picture"),
    ],
)
def test_what_is_wrong_is_a_fault_with_its_reason(changed, text):
    cell = judge(replace(GOOD, **changed))
    assert cell.is_fault
    assert cell.text.startswith(f"FAULT: {text}")
    assert cell.latent is None


def test_a_sentence_of_ours_is_no_fault():
    for changed in ({"both": REFUSED, "again": REFUSED}, {"again": REFUSED}):
        assert judge(replace(GOOD, **changed)) == Cell(REFUSED.text)


def test_a_node_without_effect_here_is_said():
    cell = judge(replace(GOOD, node=latent(0), both=latent(1), again=latent(1)))
    assert (cell.text, cell.is_fault) == ("node does nothing here", False)


@pytest.mark.parametrize(
    ("node", "both", "text"),
    [
        (0, 1, "keeps"),
        (2, 1, "FAULT: the node alone changes the picture"),
        (0, 3, "FAULT: the node changes the method's picture"),
    ],
)
def test_a_node_that_must_change_nothing(node, both, text):
    runs = replace(GOOD, node=latent(node), both=latent(both), again=latent(both))
    assert judge(runs, keeps=True).text == text


@pytest.mark.parametrize(("share", "acts"), [(0.5 * ACTS, False), (2 * ACTS, True)])
def test_how_little_counts_as_acting(share, acts):
    value = 3 + 4 * share
    cell = judge(replace(GOOD, both=latent(value), again=latent(value), node=latent(3)))
    assert cell.is_fault is not acts


def test_latents_of_another_shape_are_another_picture():
    assert judge(replace(GOOD, node=torch.zeros(3))).text == "acts"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (Cell("acts", latent=latent(3)), Cell("acts", latent=latent(3 + 2 * SAME)), "equal"),
        (Cell("acts", latent=latent(3)), Cell("acts", latent=latent(3.4)), "acts / acts, 1e-01 apart"),
        (Cell("keeps", latent=latent(3)), Cell("keeps", latent=latent(3)), "keeps"),
        (Cell(REFUSED.text), Cell(REFUSED.text), REFUSED.text),
        (Cell("acts", latent=latent(3)), Cell(REFUSED.text), f"before: acts; after: {REFUSED.text}"),
        (Cell("FAULT: x", True), Cell("acts", latent=latent(3)), "before: FAULT: x; after: acts"),
        (
            Cell("node does nothing here", latent=latent(3)),
            Cell("acts", latent=latent(3.4)),
            "node does nothing here / acts, 1e-01 apart",
        ),
    ],
)
def test_both_orders_in_a_few_words(before, after, text):
    assert sum_up(before, after) == text


def test_our_own_errors_are_told_from_others_by_the_servers_text():
    ours = Failure.read(raised(InvalidSettingError("strength is 9; choose\na number from 0 to 4.")))
    assert ours == Failure("strength is 9; choose a number from 0 to 4.", True)
    other = Failure.read(raised(ValueError("bad shape")))
    assert other == Failure("KSampler raised builtins.ValueError: bad shape")


def test_what_the_server_says_besides_is_kept_in_one_line():
    refusal = "ComfyUI refused the prompt: x\nnode 3 (FreeU): wrong"
    assert Failure.read(refusal) == Failure("ComfyUI refused the prompt: x node 3 (FreeU): wrong")
    assert len(Failure.read("x" * 5000).text) < 500
