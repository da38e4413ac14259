"""The kit: what can draw and what can measure, by the words that protocols use. Whoever brings more extends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .hosts.host import Host
from .metrics.metric import MetricKind
from .metrics.networks import Networks


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Kit:
    """What protocols may name.

    Attributes:
        hosts: what draws.
        metrics: what measures.
        networks: what metrics look at faces with.
    """

    hosts: Mapping[str, Host[Any]] = field(default_factory=dict[str, Host[Any]])
    metrics: Mapping[str, MetricKind[Any]] = field(default_factory=dict[str, MetricKind[Any]])
    networks: Networks = field(default_factory=Networks)

    def extended(self, more: Kit) -> Kit:
        """This kit and what another one adds; a word of both means the other's."""
        mine, theirs = self.networks, more.networks
        return Kit(
            hosts={**self.hosts, **more.hosts},
            metrics={**self.metrics, **more.metrics},
            networks=Networks(
                recognisers={**mine.recognisers, **theirs.recognisers}, detectors={**mine.detectors, **theirs.detectors}
            ),
        )
