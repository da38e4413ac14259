"""What runs with and without a method and a node say about the two together."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor

SAME = 1e-5  # of the latents' scale; both orders are equal that differ by less
ACTS = 1e-4  # of the latents' scale; what acts changes them by more
RAISED = re.compile(r"node \S+ \((?P<node>[^)]*)\) raised (?P<kind>\S+): (?P<message>.*?)(?:\n  File |\Z)", re.DOTALL)
LONGEST = 300  # characters of what a server says that is no error of a node
OURS = "likeness."  # before the names of the errors that the pack raises on purpose


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that gave no latents.

    Attributes:
        text: what happened, in one line.
        is_ours: whether it is one of the pack's own sentences.
    """

    text: str
    is_ours: bool = False

    @classmethod
    def read(cls, error: str) -> Failure:
        """Of the text that a server's `ComfyRunError` has."""
        found = RAISED.search(error)
        if found is None:
            return cls(_one_line(error)[:LONGEST])
        kind, message = found["kind"], _one_line(found["message"])
        if kind.startswith(OURS):
            return cls(message, True)
        return cls(f"{found['node']} raised {kind}: {message}")


Outcome = Tensor | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The same seed in five runs.

    Attributes:
        plain: neither the method nor the node.
        method: the method alone.
        node: the node alone.
        both: the two together.
        again: the same once more.
    """

    plain: Outcome
    method: Outcome
    node: Outcome
    both: Outcome
    again: Outcome


@dataclass(frozen=True, slots=True)
class Cell:
    """What is said of a method and a node in one order.

    Attributes:
        text: a word or a sentence.
        is_fault: whether something is wrong.
        latent: of both together, where both act.
    """

    text: str
    is_fault: bool = False
    latent: Tensor | None = None


def judge(runs: Runs, *, keeps: bool = False) -> Cell:
    """Tell what the two are to each other.

    Args:
        runs: with and without each.
        keeps: whether the node is one that must change no picture.
    """
    alone = {"neither": runs.plain, "the method alone": runs.method, "the node alone": runs.node}
    for name, outcome in alone.items():
        if reason := _reason(outcome):
            return _fault(f"{name}: {reason}")
    for outcome in (runs.both, runs.again):
        if isinstance(outcome, Failure) and outcome.is_ours:
            return Cell(outcome.text)
        if reason := _reason(outcome):
            return _fault(reason)
    latents = (runs.plain, runs.method, runs.node, runs.both, runs.again)
    plain, method, node, both, again = (latent for latent in latents if isinstance(latent, Tensor))
    if not torch.equal(both, again):
        return _fault(f"a second run differs by {_share(both, again):.1e}")
    if not differs(method, plain):
        return _fault("the method alone does not act")
    if not differs(both, node):
        return _fault("does not act")
    return _judge_node(differs(node, plain), differs(both, method), keeps, both)


def _judge_node(acts_alone: bool, acts: bool, keeps: bool, both: Tensor) -> Cell:
    """Of a node beside a method that acts."""
    if keeps:
        if acts_alone:
            return _fault("the node alone changes the picture")
        return _fault("the node changes the method's picture") if acts else Cell("keeps", latent=both)
    if not acts_alone:
        if acts:
            return _fault("the node does nothing alone, but changes the method's picture")
        return Cell("node does nothing here", latent=both)
    return Cell("acts", latent=both) if acts else _fault("node does not act")


def differs(first: Tensor, second: Tensor) -> bool:
    """Whether something acts between the two."""
    return _share(first, second) > ACTS


def sum_up(before: Cell, after: Cell) -> str:
    """Both orders in a few words: "equal" where both act and give the same latents."""
    if before.latent is None or after.latent is None:
        return before.text if before.text == after.text else f"before: {before.text}; after: {after.text}"
    share = _share(before.latent, after.latent)
    if before.text == after.text == "acts":
        return "equal" if share <= SAME else f"acts / acts, {share:.0e} apart"
    words = before.text if before.text == after.text else f"{before.text} / {after.text}"
    return words if share <= SAME else f"{words}, {share:.0e} apart"


def _reason(outcome: Outcome) -> str:
    """Why an outcome is none; empty where it is one."""
    if isinstance(outcome, Failure):
        return outcome.text
    return "" if bool(torch.isfinite(outcome).all()) else "NaN or infinity in the latents"


def _share(first: Tensor, second: Tensor) -> float:
    """The largest difference of latents, as a share of the largest value."""
    if first.shape != second.shape:
        return float("inf")
    scale = max(float(first.abs().max()), float(second.abs().max()))
    return float((first - second).abs().max()) / scale if scale else 0.0


def _fault(text: str) -> Cell:
    return Cell(f"FAULT: {text}", True)


def _one_line(text: str) -> str:
    return " ".join(text.split())
