"""What a table of a paper says, beside what an experiment asks."""

from __future__ import annotations


def assert_asks(experiments, name, asked, paper):
    """An experiment asks exactly once about a metric of two arms, and for the side that the paper's two numbers are on.

    Args:
        experiments: some.
        name: of one of them.
        asked: the metric, the arm and what it is compared with.
        paper: the paper's numbers of the two.
    """
    [experiment] = [each for each in experiments if each.name == name]
    [claim] = [each for each in experiment.claims if (each.metric, each.arm, each.other) == asked and each.times == 1]
    with_it, without = paper
    assert claim.expected == ("higher" if with_it > without else "lower")
    assert not claim.by
